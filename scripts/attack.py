"""Attack one net: for each image of a part the best image found that the net gets wrong.

A job computes all rows, or those of its shard, or joins the shards that other jobs computed.
"""

from blindspots.files import tables
from blindspots.jobs.attack import attacked
from blindspots.jobs.job import job, provenance


def main(snakemake):
    shards = snakemake.input.get("shards", [])
    found = tables.joined(shards) if shards else attacked(snakemake)
    tables.write(snakemake.output[0], found, provenance(snakemake))


with job(snakemake):
    main(snakemake)
