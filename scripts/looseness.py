"""One experiment: Lipschitz constants of its sources, from above and from below."""

import pyarrow as pa
from _job import job, own_models, progress, provenance

from blindspots import checkpoints, parts, tables
from blindspots.analyses._tables import LOOSENESS
from blindspots.exposure import attacked
from blindspots.looseness import looseness


def main(snakemake):
    experiment, found = snakemake.params.experiment, [LOOSENESS.empty_table()]
    nets, attacks = iter(snakemake.input.nets), iter(snakemake.input.attacks)
    chunk = snakemake.config["machine"]["chunk"]
    for seed, split in zip(snakemake.params.seeds, snakemake.input.splits, strict=True):
        data = parts.read(snakemake.input.images, split, experiment["part"], experiment["n"])
        with progress(f"looseness, seed {seed}", "nets", len(experiment["nets"])) as show:
            for done, name in enumerate(experiment["nets"], start=1):
                exhibit = next(attacked(next(attacks), data, [], clip=True))
                model = checkpoints.load(next(nets), own=own_models(snakemake))
                columns = looseness(model, data, exhibit, snakemake.params.bounds, chunk)
                found.append(tables.build({"net": name, "seed": seed} | columns, LOOSENESS))
                show(done)
    tables.write(snakemake.output[0], pa.concat_tables(found), provenance(snakemake))


with job(snakemake):
    main(snakemake)
