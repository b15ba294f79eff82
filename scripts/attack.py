"""Attack one net: for each image of a part the nearest image found that the net gets wrong.

A job computes all rows, or those of its shard, or joins the shards that other jobs computed.
"""

import sys

from blindspots.attacks import table
from blindspots.config import methods
from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.jobs.attack import run
from blindspots.jobs.job import job, own_models, progress, provenance


def main(snakemake):
    shards = snakemake.input.get("shards", [])
    found = tables.joined(shards) if shards else attacked(snakemake)
    tables.write(snakemake.output[0], found, provenance(snakemake))


def attacked(snakemake):
    attack, n, wildcards = snakemake.params.attack, snakemake.params.n, snakemake.wildcards
    seed, machine = int(wildcards.seed), snakemake.config["machine"]
    device = pick(machine["device"])
    data = images.read(snakemake.input.images, snakemake.input.split, wildcards.part, n, device)
    shard = slice(int(wildcards.get("first", 0)), int(wildcards.get("end", n)))
    data, everyone = data.at(shard), data.images
    with progress(f"attack {wildcards.net}", "images", len(data.rows)) as show:
        columns = run(
            methods.find("attacks", attack["method"]),
            weights.load(snakemake.input.weights, own=own_models(snakemake)).to(device),
            data,
            others=everyone,
            target=attack["target"],
            seed=seed,
            chunk=machine["chunk"],
            settings=attack["settings"],
            progress=show,
        )
    columns |= {
        "net": wildcards.net,
        "seed": seed,
        "attack": wildcards.attack,
        "dataset": data.dataset,
        "file": data.file,
    }
    if not columns["success"].any():
        message = f"{snakemake.output[0]}: no success on any of {len(data.rows)} images"
        print(message, file=sys.stderr)
        print(message, file=sys.__stderr__)
    return tables.build(columns, table.schema(data.images.shape[1:]))


with job(snakemake):
    main(snakemake)
