rule transfer:
    input:
        unpack(read_by_transfer),
        stale=stale("transfer"),
    output:
        answers=f"{RESULTS}/transfer/{{experiment}}.parquet",
        pictures=f"{RESULTS}/pictures/{{experiment}}.parquet",
        witnesses=f"{RESULTS}/witnesses/transfer/{{experiment}}.parquet",
    log:
        f"{LOGS}/transfer/{{experiment}}.log",
    benchmark:
        f"{LOGS}/transfer/{{experiment}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=60,
        gpu=GPU,
    params:
        experiment=lambda w: part_of(w.experiment, *SHOWN, *ONLY_SHOWN),
        controls=lambda w: controls_of(EXPERIMENTS[w.experiment]),
        seeds=config["seeds"],
        reads=reads(read_by_transfer),
        files=lambda w: files(*shown_in(EXPERIMENTS[w.experiment])),
        code=lambda w: code("transfer.py", *shown_in(EXPERIMENTS[w.experiment])),
    script:
        "../scripts/transfer.py"


rule sweep:
    input:
        unpack(read_by_transfer),
        stale=stale("sweep"),
    output:
        radii=f"{RESULTS}/radii/{{experiment}}.parquet",
        curves=f"{RESULTS}/curves/{{experiment}}.parquet",
        witnesses=f"{RESULTS}/witnesses/sweep/{{experiment}}.parquet",
    log:
        f"{LOGS}/sweep/{{experiment}}.log",
    benchmark:
        f"{LOGS}/sweep/{{experiment}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(8000),
        runtime=120,
        gpu=GPU,
    params:
        experiment=lambda w: part_of(w.experiment, *SHOWN, "distortions", "noise_draws"),
        seeds=config["seeds"],
        reads=reads(read_by_transfer),
        code=lambda w: code("sweep.py", *models_of(EXPERIMENTS[w.experiment]["victims"])),
    script:
        "../scripts/sweep.py"


rule gradients:
    input:
        unpack(read_by_gradients),
        stale=stale("gradients"),
    output:
        f"{RESULTS}/gradients/{{experiment}}.parquet",
    log:
        f"{LOGS}/gradients/{{experiment}}.log",
    benchmark:
        f"{LOGS}/gradients/{{experiment}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=30,
        gpu=GPU,
    params:
        experiment=lambda w: part_of(w.experiment, *SHOWN)
        | {"nets": everyone(EXPERIMENTS[w.experiment])},
        seeds=config["seeds"],
        reads=reads(read_by_gradients),
        code=lambda w: code("gradients.py", *models_of(everyone(EXPERIMENTS[w.experiment]))),
    script:
        "../scripts/gradients.py"


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


rule units:
    input:
        unpack(read_by_units),
        stale=stale("units"),
    output:
        units=f"{RESULTS}/units/{{units}}/{{net}}.s{{seed}}.parquet",
        rotations=f"{RESULTS}/unit_rotations/{{units}}/{{net}}.s{{seed}}.parquet",
        pictures=f"{RESULTS}/unit_pictures/{{units}}/{{net}}.s{{seed}}.parquet",
    log:
        f"{LOGS}/units/{{units}}/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/units/{{units}}/{{net}}.s{{seed}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(2000),
        runtime=60,
        gpu=GPU,
    params:
        units=units_params,
        reads=reads(read_by_units),
        code=lambda w: code("units.py", *models_of([w.net, *reference_nets(w.units)])),
    script:
        "../scripts/units.py"
