rule train:
    input:
        train=images("train"),
        test=images("test"),
        split=SPLIT,
        parents=parent_weights,
    output:
        weights=WEIGHTS,
        history=f"{RESULTS}/nets/{{net}}.s{{seed}}/history.parquet",
        clean=f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.parquet",
    log:
        f"{LOGS}/train/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/train/{{net}}.s{{seed}}.jsonl"
    wildcard_constraints:
        net=any_of(net for net in NETS if NETS[net]["weights"] is None),
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=120,
        gpu=GPU,
    params:
        net=trained_net,
        code=lambda w: code("train.py", *models_of([w.net]), ("trainers", NETS[w.net]["trainer"])),
    script:
        "../scripts/train.py"


# Comes before training, so that weights of another shape are found out at once.
rule adopt:
    input:
        train=images("train"),
        test=images("test"),
        weights=lambda w: NETS[w.net]["weights"],
        parents=parent_weights,
    output:
        weights=WEIGHTS,
        clean=f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.parquet",
    log:
        f"{LOGS}/adopt/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/adopt/{{net}}.s{{seed}}.jsonl"
    wildcard_constraints:
        net=any_of(net for net in NETS if NETS[net]["weights"] is not None),
    priority: 1
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(3000),
        runtime=15,
        gpu=GPU,
    params:
        net=built_net,
        code=lambda w: code("adopt.py", *models_of([w.net])),
    script:
        "../scripts/adopt.py"
