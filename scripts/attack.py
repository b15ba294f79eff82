"""Attack one net: for each image of a part the nearest image found that the net gets wrong."""

from _job import job, provenance

from blindspots import checkpoints, methods, parts, tables
from blindspots.attacks import _run, _table
from blindspots.devices import pick


def main(snakemake):
    net, attack = snakemake.params.net, snakemake.params.attack
    machine, n = snakemake.config["machine"], snakemake.params.n
    device = pick(machine["device"])
    data = parts.read(
        snakemake.input.images, snakemake.input.split, snakemake.wildcards.part, n, device
    )
    columns = _run.run(
        methods.find("attacks", attack["method"]),
        checkpoints.load(snakemake.input.weights).to(device),
        data,
        target=attack["target"],
        seed=net["seed"],
        chunk=machine["chunk"],
        settings=attack["settings"],
    )
    columns |= {
        "net": net["name"],
        "seed": net["seed"],
        "attack": snakemake.wildcards.attack,
        "file": data.file,
    }
    table = tables.build(columns, _table.schema(data.images.shape[1:]))
    tables.write(snakemake.output[0], table, provenance(snakemake))


with job(snakemake):
    main(snakemake)
