rule attack:
    input:
        images=lambda w: images(w.part),
        split=split_of,
        weights=lambda w: weights(w.net),
    output:
        f"{RESULTS}/attacks/{{attack}}/{{net}}/{{part}}.parquet",
    log:
        f"{LOGS}/attack/{{attack}}/{{net}}/{{part}}.log",
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    params:
        net=net_params,
        attack=attack_params,
        n=images_attacked,
        code=lambda w: code(
            "attack.py", *models_of([w.net]), ("attacks", config["attacks"][w.attack])
        ),
    script:
        "../scripts/attack.py"
