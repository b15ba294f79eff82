"""Make a dataset from the images of another, by nets or without."""

from blindspots.jobs.derive import derive
from blindspots.jobs.job import job

with job(snakemake):
    derive(snakemake)
