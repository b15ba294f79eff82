"""Summarise an experiment in one tidy table."""

from blindspots.analyses.kit import checked
from blindspots.config import methods
from blindspots.files import tables
from blindspots.jobs.evidence import evidence
from blindspots.jobs.job import job, provenance


def main(snakemake):
    table = snakemake.params.table
    summarise = methods.find("analyses", table["method"])
    found = summarise(
        **evidence(snakemake.input, table["n"], table["pictures"]), **table["settings"]
    )
    where = f"tables.{snakemake.wildcards.table} ({table['method']})"
    metadata = provenance(snakemake) | {"title": table["title"]}
    tables.write(snakemake.output[0], checked(found, where), metadata)


with job(snakemake):
    main(snakemake)
