rule transfer:
    input:
        images=lambda w: images(EXPERIMENTS[w.experiment]["part"]),
        splits=expand(SPLIT, seed=config["seeds"]),
        sources=lambda w: attacked(EXPERIMENTS[w.experiment]),
        victims=lambda w: [
            f"{RESULTS}/nets/{net}/weights.safetensors"
            for net in slugs(EXPERIMENTS[w.experiment]["victims"])
        ],
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
        experiment=lambda w: EXPERIMENTS[w.experiment],
        controls=lambda w: controls_of(EXPERIMENTS[w.experiment]),
        seeds=config["seeds"],
        code=lambda w: code("transfer.py", *shown_in(EXPERIMENTS[w.experiment])),
    script:
        "../scripts/transfer.py"
