rule lipschitz:
    input:
        train=images("train"),
        test=images("test"),
        split=split_of,
        weights=lambda w: weights(w.net),
    output:
        layers=f"{RESULTS}/lipschitz/{{net}}.parquet",
        radii=f"{RESULTS}/certificates/{{net}}.parquet",
    log:
        f"{LOGS}/lipschitz/{{net}}.log",
    benchmark:
        f"{LOGS}/lipschitz/{{net}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        net=net_params,
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
