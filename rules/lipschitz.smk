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
        certificates=certificates_of,
        required=config["lipschitz"]["required"],
        code=lambda w: code(
            "lipschitz.py",
            *models_of([w.net]),
            *(("certificates", c) for c in certificates_of(w).values()),
        ),
    script:
        "../scripts/lipschitz.py"


rule looseness:
    input:
        images=lambda w: images(EXPERIMENTS[w.experiment]["part"]),
        splits=expand(SPLIT, seed=config["seeds"]),
        nets=lambda w: all_weights(bounded_sources(w.experiment)),
        attacks=lambda w: attacked(
            EXPERIMENTS[w.experiment] | {"sources": bounded_sources(w.experiment)}
        ),
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
        code=lambda w: code("looseness.py", *models_of(bounded_sources(w.experiment))),
    script:
        "../scripts/looseness.py"


rule operators:
    input:
        weights=operator_weights,
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
        code=lambda w: code("operators.py", ("models", config["operators"][w.network]["model"])),
    script:
        "../scripts/operators.py"
