"""Join the best upper and lower bound for every net and image."""

from blindspots.files import tables
from blindspots.jobs.evidence import evidence
from blindspots.jobs.expect import flags
from blindspots.jobs.job import job, provenance
from blindspots.jobs.ledger import SCHEMA, build
from blindspots.jobs.lower_bounds import Prepared


def main(snakemake):
    inputs = {name: snakemake.input[name] for name in ("attacks", "certificates", "clean")}
    images = [(of["dataset"], of["seed"], of["file"]) for of in snakemake.params.images]
    prepared = dict(zip(images, map(Prepared, snakemake.input.images), strict=True))
    flagged = flags(snakemake.input.get("expected", []), snakemake.params.made_from)
    ledger = build(**evidence(inputs), prepared=prepared, flags=flagged)
    tables.write(snakemake.output[0], tables.from_frame(ledger, SCHEMA), provenance(snakemake))


with job(snakemake):
    main(snakemake)
