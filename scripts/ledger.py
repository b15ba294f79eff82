"""Join the best upper and lower bound for every net and image."""

from blindspots.analyses.ledger import SCHEMA, build
from blindspots.files import tables
from blindspots.jobs.evidence import evidence
from blindspots.jobs.job import job, provenance


def main(snakemake):
    ledger = build(**evidence(snakemake.input))
    tables.write(snakemake.output[0], tables.from_frame(ledger, SCHEMA), provenance(snakemake))


with job(snakemake):
    main(snakemake)
