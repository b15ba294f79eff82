rule ledger:
    input:
        attacks=list(dict.fromkeys(sum(map(attacked, EXPERIMENTS.values()), []))),
        certificates=expand(
            f"{RESULTS}/certificates/{{net}}.parquet", net=slugs(config["lipschitz"]["nets"])
        ),
        clean=expand(f"{RESULTS}/nets/{{net}}/clean.parquet", net=slugs(nets_of_experiments())),
    output:
        f"{RESULTS}/ledger.parquet",
    log:
        f"{LOGS}/ledger.log",
    benchmark:
        f"{LOGS}/ledger.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=15,
    params:
        evidence=lambda w, input: list(input),
        code=code("ledger.py"),
    script:
        "../scripts/ledger.py"


rule audit:
    input:
        ledger=f"{RESULTS}/ledger.parquet",
        attacks=rules.ledger.input.attacks,
        certificates=rules.ledger.input.certificates,
        weights=all_weights(audited_nets()),
        train=images("train"),
        test=images("test"),
    output:
        f"{RESULTS}/audit.parquet",
    log:
        f"{LOGS}/audit.log",
    benchmark:
        f"{LOGS}/audit.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        nets=[{"name": net, "seed": seed} for seed in config["seeds"] for net in audited_nets()],
        products=product_certificates(),
        code=code("audit.py"),
    script:
        "../scripts/audit.py"


rule table:
    input:
        unpack(lambda w: evidence_of(config["tables"][w.table], "analyses")),
    output:
        report(
            f"{RESULTS}/tables/{{table}}.parquet",
            caption="../reports/table.rst",
            category="Tables",
            subcategory=lambda w: subject(config["tables"][w.table]),
            labels=lambda w: labels_of("tables", w.table),
        ),
    log:
        f"{LOGS}/table/{{table}}.log",
    benchmark:
        f"{LOGS}/table/{{table}}.jsonl"
    wildcard_constraints:
        table=any_of(config["tables"]),
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(3000),
        runtime=10,
    params:
        table=lambda w: summary(config["tables"][w.table], "analyses"),
        evidence=lambda w, input: list(input),
        code=lambda w: code("table.py", ("analyses", config["tables"][w.table])),
    script:
        "../scripts/table.py"


rule figure:
    input:
        unpack(lambda w: evidence_of(config["figures"][w.figure], "figures")),
    output:
        report(
            f"{RESULTS}/figures/{{figure}}.svg",
            caption="../reports/figure.rst",
            category="Figures",
            subcategory=lambda w: subject(config["figures"][w.figure]),
            labels=lambda w: labels_of("figures", w.figure),
        ),
    log:
        f"{LOGS}/figure/{{figure}}.log",
    benchmark:
        f"{LOGS}/figure/{{figure}}.jsonl"
    wildcard_constraints:
        figure=any_of(config["figures"]),
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        figure=lambda w: summary(config["figures"][w.figure], "figures"),
        evidence=lambda w, input: list(input),
        code=lambda w: code("figure.py", ("figures", config["figures"][w.figure])),
    script:
        "../scripts/figure.py"


rule report:
    input:
        tables=expand(f"{RESULTS}/tables/{{table}}.parquet", table=config["tables"]),
        figures=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=config["figures"]),
        splits=expand(SPLIT, seed=config["seeds"]),
        audit=f"{RESULTS}/audit.parquet" if EXPERIMENTS else [],
        pictures=expand(f"{RESULTS}/pictures/{{experiment}}.parquet", experiment=EXPERIMENTS),
        transfer=expand(f"{RESULTS}/transfer/{{experiment}}.parquet", experiment=EXPERIMENTS),
        clean=expand(
            f"{RESULTS}/nets/{{net}}.s{{seed}}/clean.parquet",
            net=nets_of_experiments(),
            seed=config["seeds"][0],
        ),
        template=templates(),
    output:
        report(
            f"{RESULTS}/report.html",
            caption="../reports/report.rst",
            category="Report",
            labels={"report": "everything on one page"},
        ),
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{LOGS}/report.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=memory(1500),
        runtime=10,
    params:
        config={key: value for key, value in config.items() if key != "machine"},
        code=code("report.py"),
    script:
        "../scripts/report.py"
