"""Join the best upper and lower bound for every net and image."""

from _evidence import evidence
from _job import job, provenance

from blindspots import tables
from blindspots.analyses.ledger import SCHEMA, build


def main(snakemake):
    ledger = build(**evidence(snakemake.input))
    tables.write(snakemake.output[0], tables.from_frame(ledger, SCHEMA), provenance(snakemake))


with job(snakemake):
    main(snakemake)
