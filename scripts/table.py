"""Summarise an experiment in one tidy table."""

from _evidence import evidence
from _job import job, provenance

from blindspots import methods, tables
from blindspots.analyses._summary import SCHEMA, completed


def main(snakemake):
    table = snakemake.params.table
    summarise = methods.find("analyses", table["method"])
    summary = summarise(**evidence(snakemake.input, table["n"]), **table["settings"])
    where = f"tables.{snakemake.wildcards.table} ({table['method']})"
    summary = completed(summary, where)
    metadata = provenance(snakemake) | {"title": table["title"]}
    tables.write(snakemake.output[0], tables.from_frame(summary, SCHEMA), metadata)


with job(snakemake):
    main(snakemake)
