"""Draw one figure of an experiment."""

import inspect

from blindspots.analyses.threats import of_one
from blindspots.config import methods
from blindspots.figures.kit import save, style
from blindspots.jobs.evidence import evidence
from blindspots.jobs.expect import labelled
from blindspots.jobs.job import job, provenance


def main(snakemake):
    figure = snakemake.params.figure
    draw = methods.find("figures", figure["method"])
    frames, said = evidence(snakemake.input, figure["n"], figure["pictures"], figure["parts"]), ""
    if not getattr(draw, "across", False):
        frames, said = of_one(frames, several=figure["several"])
    flagged, made_from = snakemake.input.get("expected", []), figure["made_from"]
    settings = labelled(figure["settings"], flagged, made_from, "{}\n{}")
    with style():
        drawn = draw(**frames, **settings)
        says, *_ = (inspect.getdoc(draw) or "").split("\n\n")
        says = " ".join(filter(None, [says, said]))
        save(drawn, snakemake.output[0], says, provenance(snakemake)["settings"])


with job(snakemake):
    main(snakemake)
