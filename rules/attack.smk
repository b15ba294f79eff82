rule attack:
    input:
        unpack(read_by_attack),
        first=known_first(nets="net", attacks="attack", datasets="dataset"),
        shards=shards,
        stale=stale("attack"),
    output:
        f"{RESULTS}/attacks/{{attack}}/{{net}}.s{{seed}}/{{dataset}}/{{part}}.parquet",
    log:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{dataset}}/{{part}}.log",
    benchmark:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{dataset}}/{{part}}.jsonl"
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
        reads=reads(read_by_attack),
        files=lambda w: files(("attacks", config["attacks"][w.attack])),
        code=lambda w: code(
            "attack.py",
            *models_of([w.net, *config["attacks"][w.attack]["parents"].values()]),
            ("attacks", config["attacks"][w.attack]),
        ),
    script:
        "../scripts/attack.py"


# The images from `first` up to but excluding `end`, if `machine: shards` asks for several jobs.
use rule attack as attack_shard with:
    input:
        unpack(read_by_attack),
        first=known_first(nets="net", attacks="attack", datasets="dataset"),
        stale=stale("attack_shard"),
    output:
        temp(
            f"{RESULTS}/attacks/{{attack}}/{{net}}.s{{seed}}/{{dataset}}/{{part}}.{{first}}-{{end}}.parquet"
        ),
    log:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{dataset}}/{{part}}.{{first}}-{{end}}.log",
    benchmark:
        f"{LOGS}/attack/{{attack}}/{{net}}.s{{seed}}/{{dataset}}/{{part}}.{{first}}-{{end}}.jsonl"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=240,
        gpu=GPU,
