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
