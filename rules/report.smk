rule ledger:
    input:
        unpack(read_by_ledger),
        stale=stale("ledger"),
    output:
        f"{RESULTS}/ledger.parquet",
    log:
        f"{LOGS}/ledger.log",
    benchmark:
        f"{LOGS}/ledger.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=lambda w, attempt: attempt * held_by_nets(resources.by_ledger, 2000),
        runtime=lambda w: minutes_of_nets(15),
    params:
        images=audited_images(),
        made_from=made_from(nodes_of(nets_of_experiments())),
        reads=reads(read_by_ledger),
        code=code("ledger.py"),
    script:
        "../scripts/ledger.py"


rule audit:
    input:
        unpack(read_by_audit),
        stale=stale("audit"),
    output:
        f"{RESULTS}/audit.parquet",
    log:
        f"{LOGS}/audit.log",
    benchmark:
        f"{LOGS}/audit.jsonl"
    conda:
        "../envs/blindspots.yaml"
    resources:
        mem_mb=lambda w, attempt: attempt * held_by_nets(resources.by_audit, 2000),
        runtime=lambda w: minutes_of_nets(60),
    params:
        nets=[
            {"name": net, "seed": seed}
            for seed in config["seeds"]
            for net in nets_of_experiments()
        ],
        images=audited_images(),
        products=product_certificates(),
        reads=reads(read_by_audit),
        code=code("audit.py"),
    script:
        "../scripts/audit.py"


rule table:
    input:
        unpack(read_by_table),
        stale=stale("table"),
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
        mem_mb=lambda w, attempt: attempt * held_by(config["tables"][w.table], "analyses", 2500),
        runtime=lambda w: minutes_of(config["tables"][w.table], "analyses", 10),
    params:
        table=lambda w: summary(config["tables"][w.table], "analyses"),
        reads=reads(read_by_table),
        files=lambda w: files(("analyses", config["tables"][w.table])),
        code=lambda w: code("table.py", ("analyses", config["tables"][w.table])),
    script:
        "../scripts/table.py"


rule figure:
    input:
        unpack(read_by_figure),
        stale=stale("figure"),
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
        mem_mb=lambda w, attempt: attempt * held_by(config["figures"][w.figure], "figures", 2000),
        runtime=lambda w: minutes_of(config["figures"][w.figure], "figures", 10),
    params:
        figure=lambda w: summary(config["figures"][w.figure], "figures"),
        reads=reads(read_by_figure),
        files=lambda w: files(("figures", config["figures"][w.figure])),
        code=lambda w: code("figure.py", ("figures", config["figures"][w.figure])),
    script:
        "../scripts/figure.py"


rule report:
    input:
        unpack(read_by_report),
        template=templates(),
        stale=stale("report"),
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
        order=[
            list(config[key]) for key in ("datasets", "nets", "experiments", "tables", "figures")
        ],
        claims=CLAIMS,
        made_from=made_from((s, n) for s in ("nets", "attacks", "datasets") for n in config[s]),
        measurement_keys=sorted(own_keys("measurements")),
        reads=origins_each(read_by_report),
        code=code("report.py"),
    script:
        "../scripts/report.py"
