rule prepare:
    input:
        data_files(),
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
        code=code("prepare.py", ("datasets", config["data"])),
    script:
        "../scripts/prepare.py"


rule split:
    input:
        train=images("train"),
        test=images("test"),
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
        code=code("split.py"),
    script:
        "../scripts/split.py"
