rule certify:
    input:
        unpack(read_by_certify),
        stale=stale("certify"),
    output:
        f"{RESULTS}/certificates/{{certificate}}/{{net}}.s{{seed}}.parquet",
    log:
        f"{LOGS}/certify/{{certificate}}/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/certify/{{certificate}}/{{net}}.s{{seed}}.jsonl"
    wildcard_constraints:
        certificate=any_of(config["certificates"]),
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        images=images_certified,
        certificate=certificate_params,
        reads=reads(read_by_certify),
        files=lambda w: files(("certificates", config["certificates"][w.certificate])),
        code=lambda w: code(
            "certify.py",
            *models_of([w.net]),
            ("certificates", config["certificates"][w.certificate]),
        ),
    script:
        "../scripts/certify.py"
