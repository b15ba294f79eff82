"""Read a dataset, verify it, and write its training and its test images."""

from blindspots.config import methods
from blindspots.datasets import table
from blindspots.jobs.job import job, provenance


def main(snakemake):
    data, name = snakemake.params.data, snakemake.wildcards.dataset
    load, settings = methods.find("datasets", data["method"]), dict(data["settings"])
    root = snakemake.config["datasets"][name]["root"]
    if root is not None:  # moving the files does not change them
        settings["root"] = root
    dataset = table.checked(load(**settings), data["method"])
    for part in ("train", "test"):
        table.write(
            snakemake.output[part],
            getattr(dataset, part),
            dataset.classes,
            dataset.box,
            provenance(snakemake),
            dataset.names,
            dataset=name,
        )


with job(snakemake):
    main(snakemake)
