"""Certify the images that the experiments use of one net, by one certificate."""

from blindspots.jobs.certify import certify
from blindspots.jobs.job import job

with job(snakemake):
    certify(snakemake)
