rule lipschitz:
    input:
        unpack(read_by_lipschitz),
        stale=stale("lipschitz"),
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
        certificates=certificates_of,
        reads=reads(read_by_lipschitz),
        required=config["lipschitz"]["required"],
        files=lambda w: files(*certified_by(w)),
        code=lambda w: code("lipschitz.py", *models_of([w.net]), *certified_by(w)),
    script:
        "../scripts/lipschitz.py"
