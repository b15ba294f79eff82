"""One experiment: how the input gradients of sources and victims lie to each other."""

import pyarrow as pa

from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.measurements.gradients import alignment


def main(snakemake):
    experiment, machine = snakemake.params.experiment, snakemake.config["machine"]
    device, found, files = pick(machine["device"]), [], iter(snakemake.input.nets)
    given = zip(snakemake.params.seeds, snakemake.input.images, snakemake.input.splits, strict=True)
    for seed, prepared, split in given:
        data = images.read(prepared, split, experiment["part"], experiment["n"], device)
        models = {
            name: weights.load(next(files), own=own_models(snakemake)).to(device)
            for name in experiment["nets"]
        }
        with progress(f"gradients, seed {seed}", "images", len(data.rows)) as show:
            found.append(
                alignment(
                    data, models, experiment["sources"], experiment["victims"], seed,
                    machine["chunk"], show,
                )
            )  # fmt: skip
    tables.write(snakemake.output[0], pa.concat_tables(found), provenance(snakemake))


with job(snakemake):
    main(snakemake)
