"""Summarise an experiment in one tidy table."""

from blindspots.analyses.kit import checked
from blindspots.analyses.threats import summarised
from blindspots.config import methods
from blindspots.files import tables
from blindspots.jobs.evidence import evidence
from blindspots.jobs.expect import doubts, labelled
from blindspots.jobs.job import job, provenance


def main(snakemake):
    table = snakemake.params.table
    summarise = methods.find("analyses", table["method"])
    where = f"tables.{snakemake.wildcards.table} ({table['method']})"
    frames = evidence(snakemake.input, table["n"], table["pictures"], table["parts"])
    flagged, made_from = snakemake.input.get("expected", []), table["made_from"]
    settings = labelled(table["settings"], flagged, made_from)
    found = summarised(
        summarise, frames, settings, where, several=table["several"], figures=table["figures"]
    )
    metadata = provenance(snakemake) | {"title": table["title"], "method": table["method"]}
    metadata |= {"doubts": said} if (said := doubts(settings, flagged, made_from)) else {}
    tables.write(snakemake.output[0], checked(found, where), metadata)


with job(snakemake):
    main(snakemake)
