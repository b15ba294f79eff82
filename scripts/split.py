"""Cut the dataset into P1, P2, the rest, validation and test."""

from blindspots.jobs.job import job
from blindspots.jobs.split import split

with job(snakemake):
    split(snakemake)
