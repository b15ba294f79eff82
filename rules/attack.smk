rule attack:
    input:
        images=lambda w: images(w.part),
        split=SPLIT,
        weights=WEIGHTS,
        shards=shards,
    output:
        f"{RESULTS}/attacks/{{attack}}/{{net}}.s{{seed}}/{{part}}.parquet",
    log:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{part}}.log",
    benchmark:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{part}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: lambda w, input: 1 if input.shards else THREADS
    resources:
        mem_mb=memory(4000),
        runtime=240,
        gpu=lambda w, input: 0 if input.shards else GPU,
    params:
        attack=attack_params,
        n=images_attacked,
        code=lambda w: code(
            "attack.py", *models_of([w.net]), ("attacks", config["attacks"][w.attack])
        ),
    script:
        "../scripts/attack.py"


# The images from `first` to before `end` alone, where `machine: shards` wants several jobs.
use rule attack as attack_shard with:
    input:
        images=lambda w: images(w.part),
        split=SPLIT,
        weights=WEIGHTS,
    output:
        temp(f"{RESULTS}/attacks/{{attack}}/{{net}}.s{{seed}}/{{part}}.{{first}}-{{end}}.parquet"),
    log:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{part}}.{{first}}-{{end}}.log",
    benchmark:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{part}}.{{first}}-{{end}}.jsonl"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=240,
        gpu=GPU,
