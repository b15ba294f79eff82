"""One network: its units, and directions of the same layers, trained and untrained."""

import pyarrow as pa

from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.measurements.units.activations import activations, layers
from blindspots.measurements.units.experiment import measure
from blindspots.measurements.units.settings import Network, Settings
from blindspots.randomness import derived_seed


def main(snakemake):
    units, machine, wildcards = (
        snakemake.params.units, snakemake.config["machine"], snakemake.wildcards,
    )  # fmt: skip
    device, seed, chunk = pick(machine["device"]), int(wildcards.seed), machine["chunk"]
    own = own_models(snakemake)
    data = images.read(
        snakemake.input.images, snakemake.input.split, units["part"], units["n"], device
    )
    probe = images.read(
        snakemake.input.train, snakemake.input.split, "train", units["probe_n"], device
    )
    features = None
    if units["reference"] is not None:
        model = weights.load(snakemake.input.reference[0], own=own)
        layer = units["reference"]["layer"]
        layers(model.to(device), data.images[:1], [layer])
        features = activations(model, data.images.split(chunk), [layer], units["pool"])[layer]
    settings = Settings(**{name: units[name] for name in Settings._fields})
    file, found = snakemake.input.weights, []
    for trained in (True, False) if units["untrained"] else (True,):
        model = (
            weights.load(file, own=own)
            if trained
            else weights.untrained(
                file, seed=derived_seed(seed, f"untrained/{wildcards.net}"), own=own
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
