rule prepare:
    output:
        train=images("train"),
        test=images("test"),
    log:
        f"{LOGS}/prepare.log",
    conda:
        "../envs/blindspots.yaml"
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
        f"{RESULTS}/splits/s{{seed}}.parquet",
    log:
        f"{LOGS}/split/s{{seed}}.log",
    conda:
        "../envs/blindspots.yaml"
    params:
        sizes=config["splits"],
        code=code("split.py"),
    script:
        "../scripts/split.py"
