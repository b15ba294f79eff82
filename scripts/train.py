"""Train a net, and record its answers to every image of the dataset."""

from blindspots.devices import pick
from blindspots.files import steps, weights
from blindspots.jobs.clean import write_clean
from blindspots.jobs.job import job
from blindspots.jobs.train import trained


def main(snakemake):
    device = pick(snakemake.config["machine"]["device"])
    model, spec, checkpoint = trained(snakemake, device)
    weights.save(snakemake.output.weights, model, spec)
    if checkpoint.weights:
        steps.save(snakemake.output.checkpoints, checkpoint.weights)
    write_clean(snakemake, model, device)
    checkpoint.remove()


with job(snakemake):
    main(snakemake)
