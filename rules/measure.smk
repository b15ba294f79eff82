# One rule per measurement, since their jobs write different tables.
for ENTRY in MEASURED:

    rule:
        name:
            f"measure_{ENTRY}"
        input:
            unpack(read_by_measure(ENTRY)),
            stale=stale(f"measure_{ENTRY}"),
        output:
            **{name: measured_path(ENTRY, name) for name in declared(MEASURED[ENTRY]).given},
        log:
            f"{LOGS}/measure/{subject_of(ENTRY)}.log",
        benchmark:
            f"{LOGS}/measure/{subject_of(ENTRY)}.jsonl"
        conda:
            "../envs/blindspots.yaml"
        threads: THREADS
        resources:
            mem_mb=need(ENTRY, "memory"),
            runtime=need(ENTRY, "runtime"),
            gpu=GPU if declared(MEASURED[ENTRY]).gpu else 0,
        params:
            measurement=measurement_params(ENTRY),
            reads=reads(read_by_measure(ENTRY)),
            files=files_of_measurement(ENTRY),
            code=code_of_measurement(ENTRY),
        script:
            "../scripts/measure.py"
