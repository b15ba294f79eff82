"""Attack one net: find the best image that the net gets wrong for each image of a part.

A job computes all rows, or those of its shard, or joins the shards that other jobs computed.
"""

from blindspots.jobs.attack import attack
from blindspots.jobs.job import job

with job(snakemake):
    attack(snakemake)
