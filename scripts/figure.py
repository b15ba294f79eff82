"""Draw one figure of an experiment."""

from _evidence import evidence
from _job import job

from blindspots import methods
from blindspots.figures._style import save, style


def main(snakemake):
    figure = snakemake.params.figure
    draw = methods.find("figures", figure["method"])
    with style():
        save(
            draw(**evidence(snakemake.input, figure["n"]), **figure["settings"]),
            snakemake.output[0],
        )


with job(snakemake):
    main(snakemake)
