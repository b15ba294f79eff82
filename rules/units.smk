rule units:
    input:
        unpack(read_by_units),
        stale=stale("units"),
    output:
        units=f"{RESULTS}/units/{{units}}/{{net}}.s{{seed}}.parquet",
        rotations=f"{RESULTS}/unit_rotations/{{units}}/{{net}}.s{{seed}}.parquet",
        pictures=f"{RESULTS}/unit_pictures/{{units}}/{{net}}.s{{seed}}.parquet",
    log:
        f"{LOGS}/units/{{units}}/{{net}}.s{{seed}}.log",
    benchmark:
        f"{LOGS}/units/{{units}}/{{net}}.s{{seed}}.jsonl"
    conda:
        "../envs/blindspots.yaml"
    threads: THREADS
    resources:
        mem_mb=memory(2000),
        runtime=60,
        gpu=GPU,
    params:
        units=units_params,
        reads=reads(read_by_units),
        code=lambda w: code("units.py", *models_of([w.net, *reference_nets(w.units)])),
    script:
        "../scripts/units.py"
