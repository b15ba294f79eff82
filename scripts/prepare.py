"""Read a dataset, verify it, and write its training and its test images."""

from blindspots.config import methods
from blindspots.datasets import table
from blindspots.jobs.job import job, provenance


def main(snakemake):
    load = methods.find("datasets", snakemake.params.method)
    settings = dict(snakemake.params.settings)
    if snakemake.config["data"]["root"] is not None:  # where the files are changes nothing in them
        settings["root"] = snakemake.config["data"]["root"]
    dataset = table.checked(load(**settings), snakemake.params.method)
    for part in ("train", "test"):
        table.write(
            snakemake.output[part],
            getattr(dataset, part),
            dataset.classes,
            dataset.box,
            provenance(snakemake),
            dataset.names,
        )


with job(snakemake):
    main(snakemake)
