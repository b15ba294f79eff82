"""One experiment: every direction, scaled to many lengths, shown to every victim."""

from itertools import product

import pyarrow as pa

from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.measurements.sweep import Settings, sweep
from blindspots.measurements.transfer import attacked


def main(snakemake):
    experiment, machine = snakemake.params.experiment, snakemake.config["machine"]
    device, found = pick(machine["device"]), []
    sources, victims = iter(snakemake.input.sources), iter(snakemake.input.victims)
    given = zip(snakemake.params.seeds, snakemake.input.images, snakemake.input.splits, strict=True)
    for seed, prepared, split in given:
        data = images.read(prepared, split, experiment["part"], experiment["n"], device)
        exhibits = [
            exhibit
            for _ in product(experiment["attacks"], experiment["sources"])
            for exhibit in attacked(next(sources), data, [], clip=True)
        ]
        models = {
            name: weights.load(next(victims), own=own_models(snakemake)).to(device)
            for name in experiment["victims"]
        }
        settings = Settings(
            snakemake.wildcards.experiment, experiment["distortions"], experiment["noise_draws"],
            seed, machine["chunk"],
        )  # fmt: skip
        with progress(f"sweep, seed {seed}", "images", len(data.rows)) as show:
            found.append(sweep(data, exhibits, models, settings, show))
    for name, parts_of in zip(
        ("radii", "curves", "witnesses"), zip(*found, strict=True), strict=True
    ):
        tables.write(snakemake.output[name], pa.concat_tables(parts_of), provenance(snakemake))


with job(snakemake):
    main(snakemake)
