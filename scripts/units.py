"""One network: its units, and directions of the same layers, trained and untrained."""

import pyarrow as pa
from _job import job, own_models, progress, provenance

from blindspots import checkpoints, parts, tables
from blindspots.devices import pick
from blindspots.randomness import derived_seed
from blindspots.units.activations import activations, layers
from blindspots.units.experiment import measure
from blindspots.units.settings import Network, Settings


def main(snakemake):
    units, machine, wildcards = (
        snakemake.params.units, snakemake.config["machine"], snakemake.wildcards,
    )  # fmt: skip
    device, seed, chunk = pick(machine["device"]), int(wildcards.seed), machine["chunk"]
    own = own_models(snakemake)
    data = parts.read(
        snakemake.input.images, snakemake.input.split, units["part"], units["n"], device
    )
    probe = parts.read(
        snakemake.input.train, snakemake.input.split, "train", units["probe_n"], device
    )
    features = None
    if units["reference"] is not None:
        model = checkpoints.load(snakemake.input.reference[0], own=own)
        layer = units["reference"]["layer"]
        layers(model.to(device), data.images[:1], [layer])
        features = activations(model, data.images.split(chunk), [layer], units["pool"])[layer]
    settings = Settings(**{name: units[name] for name in Settings._fields})
    weights, found = snakemake.input.weights, []
    for trained in (True, False) if units["untrained"] else (True,):
        model = (
            checkpoints.load(weights, own=own)
            if trained
            else checkpoints.untrained(
                weights, seed=derived_seed(seed, f"untrained/{wildcards.net}"), own=own
            )
        )
        network = Network(wildcards.net, seed, trained, model.to(device))
        name = f"{'trained' if trained else 'untrained'} {wildcards.net}"
        with progress(f"units of {name}", "layers") as show:
            found.append(measure(network, data, probe, features, settings, chunk, show))
    for name, of in zip(("units", "rotations", "pictures"), zip(*found, strict=True), strict=True):
        tables.write(snakemake.output[name], pa.concat_tables(of), provenance(snakemake))


with job(snakemake):
    main(snakemake)
