rule prepare:
    input:
        stale=stale("prepare"),
    output:
        train="resources/{dataset}/train.parquet",
        test="resources/{dataset}/test.parquet",
    log:
        f"{LOGS}/prepare/{{dataset}}.log",
    benchmark:
        f"{LOGS}/prepare/{{dataset}}.jsonl"
    wildcard_constraints:
        dataset=any_of(PLAIN),
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        data=lambda w: instance(DATASETS[w.dataset], "datasets"),
        files=lambda w: data_files(DATASETS[w.dataset]),
        code=lambda w: code("prepare.py", ("datasets", DATASETS[w.dataset])),
    script:
        "../scripts/prepare.py"


rule split:
    input:
        unpack(read_by_split),
        stale=stale("split"),
    output:
        SPLIT,
    log:
        f"{LOGS}/split/{{dataset}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/split/{{dataset}}.s{{seed}}.jsonl"
    wildcard_constraints:
        dataset=any_of(PLAIN),
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=5,
    params:
        sizes=config["splits"],
        others=lambda w: shown_beside(w.dataset),
        reads=reads(read_by_split),
        code=code("split.py"),
    script:
        "../scripts/split.py"


# A dataset derived from the images of another: every image keeps its file, index and part.
rule derive:
    input:
        unpack(read_by_derive),
        first=known_first(datasets="dataset"),
        stale=stale("derive"),
    output:
        train=f"{RESULTS}/datasets/{{dataset}}.s{{seed}}/train.parquet",
        test=f"{RESULTS}/datasets/{{dataset}}.s{{seed}}/test.parquet",
        split=SPLIT,
    log:
        f"{LOGS}/derive/{{dataset}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/derive/{{dataset}}.s{{seed}}.jsonl"
    wildcard_constraints:
        dataset=any_of(DERIVED),
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=120,
        gpu=GPU,
    params:
        data=lambda w: instance(DATASETS[w.dataset], "derived"),
        parents=lambda w: DATASETS[w.dataset]["parents"],
        reads=reads(read_by_derive),
        files=lambda w: files(("derived", DATASETS[w.dataset])),
        code=lambda w: code("derive.py", *made_by(w.dataset)),
    script:
        "../scripts/derive.py"
