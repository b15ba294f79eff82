rule train:
    input:
        unpack(read_by_train),
        first=known_first(nets="net"),
        stale=stale("train"),
    output:
        weights=WEIGHTS,
        history=f"{RESULTS}/nets/{{net}}.s{{seed}}/history.parquet",
        clean=f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.parquet",
    log:
        f"{LOGS}/train/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/train/{{net}}.s{{seed}}.jsonl"
    wildcard_constraints:
        net=any_of(n for n in NETS if NETS[n]["trainer"] and not NETS[n]["checkpoints"]),
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=120,
        gpu=GPU,
    params:
        net=trained_net,
        reads=reads(read_by_train),
        files=lambda w: files(*methods_of(w.net)),
        code=lambda w: code("train.py", *methods_of(w.net)),
    script:
        "../scripts/train.py"


# The same with checkpoints, the weights after chosen steps, which `adopt` makes nets of their own.
use rule train as train_checkpoints with:
    input:
        unpack(read_by_train),
        first=known_first(nets="net"),
        stale=stale("train_checkpoints"),
    output:
        weights=WEIGHTS,
        checkpoints=CHECKPOINTS,
        history=f"{RESULTS}/nets/{{net}}.s{{seed}}/history.parquet",
        clean=f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.parquet",
    wildcard_constraints:
        net=any_of(net for net in NETS if NETS[net]["checkpoints"]),


# Runs before any training, so that weights of another shape are found at once.
rule adopt:
    input:
        unpack(read_by_adopt),
        stale=stale("adopt"),
    output:
        weights=WEIGHTS,
        clean=f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.parquet",
    log:
        f"{LOGS}/adopt/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/adopt/{{net}}.s{{seed}}.jsonl"
    wildcard_constraints:
        net=any_of(net for net in NETS if NETS[net]["trainer"] is None),
    priority: 1
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(3000),
        runtime=15,
        gpu=GPU,
    params:
        net=adopted_net,
        reads=reads(read_by_adopt),
        files=lambda w: files(*methods_of(w.net)),
        code=lambda w: code("adopt.py", *methods_of(w.net)),
    script:
        "../scripts/adopt.py"


# The answers of a net to an experiment's dataset if it is not the net's own.
rule answers:
    input:
        unpack(read_by_answers),
        stale=stale("answers"),
    output:
        clean=f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.{{dataset}}.parquet",
    log:
        f"{LOGS}/answers/{{net}}.s{{seed}}.{{dataset}}.log",
    benchmark:
        f"{LOGS}/answers/{{net}}.s{{seed}}.{{dataset}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(3000),
        runtime=15,
        gpu=GPU,
    params:
        net=lambda w: {"name": w.net, "seed": int(w.seed)},
        reads=reads(read_by_answers),
        code=lambda w: code("answers.py", *models_of([w.net])),
    script:
        "../scripts/answers.py"


# Runs right after the answers, so that a wrong net is found before it is attacked.
rule expect:
    input:
        unpack(read_by_expect),
        stale=stale("expect"),
    output:
        EXPECTED,
    log:
        f"{LOGS}/expect/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/expect/{{net}}.s{{seed}}.jsonl"
    wildcard_constraints:
        net=any_of(net for net in NETS if NETS[net]["expect"] is not None),
    priority: 1
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=5,
    params:
        expected=expected_error,
        reads=reads(read_by_expect),
        code=code("expect.py"),
    script:
        "../scripts/expect.py"
