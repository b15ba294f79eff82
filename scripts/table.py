"""Summarise an experiment in one tidy table."""

from _evidence import evidence
from _job import job, provenance

from blindspots import methods, tables
from blindspots.analyses._summary import checked


def main(snakemake):
    table = snakemake.params.table
    summarise = methods.find("analyses", table["method"])
    found = summarise(**evidence(snakemake.input, table["n"]), **table["settings"])
    where = f"tables.{snakemake.wildcards.table} ({table['method']})"
    metadata = provenance(snakemake) | {"title": table["title"]}
    tables.write(snakemake.output[0], checked(found, where), metadata)


with job(snakemake):
    main(snakemake)
