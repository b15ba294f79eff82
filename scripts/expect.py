"""Hold the clean error of a net whose weights are given against the one that its config expects."""

from blindspots.jobs.expect import expect
from blindspots.jobs.job import job

with job(snakemake):
    expect(snakemake)
