rule prepare:
    input:
        stale=stale("prepare"),
    output:
        train=images("train"),
        test=images("test"),
    log:
        f"{LOGS}/prepare.log",
    benchmark:
        f"{LOGS}/prepare.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        **instance(config["data"], "datasets"),
        files=lambda w: data_files(),
        code=code("prepare.py", ("datasets", config["data"])),
    script:
        "../scripts/prepare.py"


rule split:
    input:
        unpack(read_by_split),
        stale=stale("split"),
    output:
        SPLIT,
    log:
        f"{LOGS}/split/s{{seed}}.log",
    benchmark:
        f"{LOGS}/split/s{{seed}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        sizes=config["splits"],
        reads=reads(read_by_split),
        code=code("split.py"),
    script:
        "../scripts/split.py"
