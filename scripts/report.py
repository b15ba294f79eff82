"""Gather the run's tables, figures and pictures in one HTML page."""

from _job import job, provenance

from blindspots.report.page import render
from blindspots.tables import replacing


def main(snakemake):
    config, given = snakemake.params.config, snakemake.input
    page = render(
        given.template[0],
        config=config,
        summaries=given.tables,
        figures=dict(zip(config["figures"], given.figures, strict=True)),
        splits=given.splits,
        audit=next(iter(given.get("audit", [])), None),
        pictures=dict(zip(config["experiments"], given.pictures, strict=True)),
        transfer=dict(zip(config["experiments"], given.transfer, strict=True)),
        clean=given.clean,
        made_by=provenance(snakemake)["settings"],
    )
    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8")


with job(snakemake):
    main(snakemake)
