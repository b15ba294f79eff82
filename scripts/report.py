"""Gather the run's tables and figures in one HTML page."""

from _job import job

from blindspots.report import render
from blindspots.tables import replacing


def main(snakemake):
    page = render(
        snakemake.input.template,
        config=snakemake.params.config,
        summaries=snakemake.input.tables,
        figures=dict(zip(snakemake.params.config["figures"], snakemake.input.figures, strict=True)),
        splits=snakemake.input.splits,
        audit=snakemake.input.get("audit") or None,
    )
    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8")


with job(snakemake):
    main(snakemake)
