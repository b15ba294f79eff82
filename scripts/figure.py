"""Draw one figure of an experiment."""

import inspect

from blindspots.config import methods
from blindspots.figures.kit import save, style
from blindspots.jobs.evidence import evidence
from blindspots.jobs.job import job, provenance


def main(snakemake):
    figure = snakemake.params.figure
    draw = methods.find("figures", figure["method"])
    with style():
        drawn = draw(
            **evidence(snakemake.input, figure["n"], figure["pictures"]), **figure["settings"]
        )
        says, *_ = (inspect.getdoc(draw) or "").split("\n\n")
        save(drawn, snakemake.output[0], says, provenance(snakemake)["settings"])


with job(snakemake):
    main(snakemake)
