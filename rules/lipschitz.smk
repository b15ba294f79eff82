rule lipschitz:
    input:
        train=images("train"),
        test=images("test"),
        split=SPLIT,
        weights=WEIGHTS,
    output:
        layers=f"{RESULTS}/lipschitz/{{net}}.s{{seed}}.parquet",
        radii=f"{RESULTS}/certificates/{{net}}.s{{seed}}.parquet",
    log:
        f"{LOGS}/lipschitz/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/lipschitz/{{net}}.s{{seed}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        images=images_certified,
        certificates={
            name: instance(c, "certificates") for name, c in config["certificates"].items()
        },
        code=lambda w: code(
            "lipschitz.py",
            *models_of([w.net]),
            *(("certificates", c) for c in config["certificates"].values()),
        ),
    script:
        "../scripts/lipschitz.py"
