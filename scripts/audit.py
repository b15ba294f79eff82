"""Recheck the ledger and the certificates from the files, by code that shares nothing with them."""

from blindspots.audit.run import Files, audit
from blindspots.files import tables
from blindspots.jobs.job import job, progress, provenance


def main(snakemake):
    nets = [(net["name"], net["seed"]) for net in snakemake.params.nets]
    images = [(of["dataset"], of["seed"], of["file"]) for of in snakemake.params.images]
    files = Files(
        ledger=snakemake.input.ledger,
        attacks=snakemake.input.attacks,
        certificates=snakemake.input.certificates,
        weights=dict(zip(nets, snakemake.input.weights, strict=True)),
        images=dict(zip(images, snakemake.input.images, strict=True)),
        clean=snakemake.input.clean,
        transfer=snakemake.input.transfer,
        pictures=snakemake.input.pictures,
        witnesses=snakemake.input.witnesses,
    )
    with progress("audit", "nets", len(nets)) as show:
        found = audit(files, snakemake.params.products, show)
    tables.write(snakemake.output[0], found, provenance(snakemake))


with job(snakemake):
    main(snakemake)
