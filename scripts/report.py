"""Gather the run's tables, figures and pictures in one HTML page."""

from blindspots.files.atomic import replacing
from blindspots.jobs.expect import CAUSES, flags
from blindspots.jobs.job import job, provenance
from blindspots.provenance import settings_in
from blindspots.report.page import render


def main(snakemake):
    config, given, known = snakemake.params.config, snakemake.input, snakemake.params.reads
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
        flags=flags(given.get("expected", []), snakemake.params.made_from),
        causes=CAUSES,
        claims=snakemake.params.claims,
        made_by=provenance(snakemake)["settings"],
        others=[path for path, made_by in known.items() if settings_in(path) != made_by],
    )
    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(page, encoding="utf-8")


with job(snakemake):
    main(snakemake)
