"""Join the best upper and lower bound for every net and image."""

from blindspots.files import tables
from blindspots.jobs.evidence import evidence
from blindspots.jobs.job import job, provenance
from blindspots.jobs.ledger import SCHEMA, build
from blindspots.jobs.lowers import Prepared


def main(snakemake):
    inputs = {name: snakemake.input[name] for name in ("attacks", "certificates", "clean")}
    prepared = {(part,): Prepared(snakemake.input[part]) for part in ("train", "test")}
    ledger = build(**evidence(inputs), prepared=prepared)
    tables.write(snakemake.output[0], tables.from_frame(ledger, SCHEMA), provenance(snakemake))


with job(snakemake):
    main(snakemake)
