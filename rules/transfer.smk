rule transfer:
    input:
        images=lambda w: images(EXPERIMENTS[w.experiment]["part"]),
        splits=expand(SPLIT, seed=config["seeds"]),
        sources=lambda w: attacked(EXPERIMENTS[w.experiment]),
        victims=lambda w: all_weights(EXPERIMENTS[w.experiment]["victims"]),
    output:
        answers=f"{RESULTS}/transfer/{{experiment}}.parquet",
        pictures=f"{RESULTS}/pictures/{{experiment}}.parquet",
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
        code=lambda w: code("transfer.py", *shown_in(EXPERIMENTS[w.experiment])),
    script:
        "../scripts/transfer.py"


rule sweep:
    input:
        images=lambda w: images(EXPERIMENTS[w.experiment]["part"]),
        splits=expand(SPLIT, seed=config["seeds"]),
        sources=lambda w: attacked(EXPERIMENTS[w.experiment]),
        victims=lambda w: all_weights(EXPERIMENTS[w.experiment]["victims"]),
    output:
        radii=f"{RESULTS}/radii/{{experiment}}.parquet",
        curves=f"{RESULTS}/curves/{{experiment}}.parquet",
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
        code=lambda w: code("sweep.py", *models_of(EXPERIMENTS[w.experiment]["victims"])),
    script:
        "../scripts/sweep.py"


rule gradients:
    input:
        images=lambda w: images(EXPERIMENTS[w.experiment]["part"]),
        splits=expand(SPLIT, seed=config["seeds"]),
        nets=lambda w: all_weights(everyone(EXPERIMENTS[w.experiment])),
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
        code=lambda w: code("gradients.py", *models_of(everyone(EXPERIMENTS[w.experiment]))),
    script:
        "../scripts/gradients.py"
