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


rule looseness:
    input:
        unpack(read_by_looseness),
        stale=stale("looseness"),
    output:
        f"{RESULTS}/looseness/{{experiment}}.parquet",
    log:
        f"{LOGS}/looseness/{{experiment}}.log",
    benchmark:
        f"{LOGS}/looseness/{{experiment}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        experiment=lambda w: part_of(w.experiment, "part", "n")
        | {"nets": bounded_sources(w.experiment)},
        bounds=config["lipschitz"]["bounds"],
        seeds=config["seeds"],
        reads=reads(read_by_looseness),
        code=lambda w: code("looseness.py", *models_of(bounded_sources(w.experiment))),
    script:
        "../scripts/looseness.py"


rule operators:
    input:
        stale=stale("operators"),
    output:
        f"{RESULTS}/operators/{{network}}.parquet",
    log:
        f"{LOGS}/operators/{{network}}.log",
    benchmark:
        f"{LOGS}/operators/{{network}}.jsonl"
    wildcard_constraints:
        network=any_of(config["operators"]),
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=30,
    params:
        network=operator_params,
        files=lambda w: files(("models", config["operators"][w.network]["model"])),
        code=lambda w: code("operators.py", ("models", config["operators"][w.network]["model"])),
    script:
        "../scripts/operators.py"
