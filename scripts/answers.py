"""Record a net's answers to every image of a dataset other than its own."""

from blindspots.devices import pick
from blindspots.files import weights
from blindspots.jobs.clean import write_clean
from blindspots.jobs.job import job, own_models


def main(snakemake):
    device = pick(snakemake.config["machine"]["device"])
    model = weights.load(snakemake.input.weights, own=own_models(snakemake))
    write_clean(snakemake, model.to(device), device)


with job(snakemake):
    main(snakemake)
