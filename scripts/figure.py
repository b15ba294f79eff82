"""Draw one figure of an experiment."""

import inspect

from _evidence import evidence
from _job import job, provenance

from blindspots import methods
from blindspots.figures._style import save, style


def main(snakemake):
    figure = snakemake.params.figure
    draw = methods.find("figures", figure["method"])
    with style():
        drawn = draw(**evidence(snakemake.input, figure["n"]), **figure["settings"])
        says, *_ = (inspect.getdoc(draw) or "").split("\n\n")
        save(drawn, snakemake.output[0], says, provenance(snakemake)["settings"])


with job(snakemake):
    main(snakemake)
