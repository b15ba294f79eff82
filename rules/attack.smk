rule attack:
    input:
        images=lambda w: images(w.part),
        split=split_of,
        weights=lambda w: weights(w.net),
    output:
        f"{RESULTS}/attacks/{{attack}}/{{net}}/{{part}}.parquet",
    log:
        f"{LOGS}/attack/{{attack}}/{{net}}/{{part}}.log",
    benchmark:
        f"{LOGS}/attack/{{attack}}/{{net}}/{{part}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=GPU,
    params:
        net=net_params,
        attack=attack_params,
        n=images_attacked,
        code=lambda w: code(
            "attack.py", *models_of([w.net]), ("attacks", config["attacks"][w.attack])
        ),
    script:
        "../scripts/attack.py"
