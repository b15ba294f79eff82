"""One measurement of a net, an experiment or the run: the tables that it gives."""

from blindspots.jobs.job import job
from blindspots.jobs.measure import measure

with job(snakemake):
    measure(snakemake)
