"""One experiment: Lipschitz constants of its sources, from above and from below."""

import pyarrow as pa

from blindspots.files import images, tables, weights
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.measurements.looseness import LOOSENESS, looseness
from blindspots.measurements.transfer import attacked


def main(snakemake):
    experiment, found = snakemake.params.experiment, [LOOSENESS.empty_table()]
    nets, attacks = iter(snakemake.input.nets), iter(snakemake.input.attacks)
    chunk = snakemake.config["machine"]["chunk"]
    given = zip(snakemake.params.seeds, snakemake.input.images, snakemake.input.splits, strict=True)
    for seed, prepared, split in given:
        data = images.read(prepared, split, experiment["part"], experiment["n"])
        with progress(f"looseness, seed {seed}", "nets", len(experiment["nets"])) as show:
            for done, name in enumerate(experiment["nets"], start=1):
                exhibit = next(attacked(next(attacks), data, [], clip=True))
                model = weights.load(next(nets), own=own_models(snakemake))
                columns = looseness(model, data, exhibit, snakemake.params.bounds, chunk)
                found.append(tables.build({"net": name, "seed": seed} | columns, LOOSENESS))
                show(done)
    tables.write(snakemake.output[0], pa.concat_tables(found), provenance(snakemake))


with job(snakemake):
    main(snakemake)
