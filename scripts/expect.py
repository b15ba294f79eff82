"""Compare the clean error of a net with given weights with the one that its config expects."""

from blindspots.jobs.expect import expect
from blindspots.jobs.job import job

with job(snakemake):
    expect(snakemake)
