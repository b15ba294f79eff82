"""One experiment: every source's attacked images, and the controls, shown to every victim."""

import pyarrow as pa
from _job import job, progress, provenance

from blindspots import checkpoints, parts, tables
from blindspots.devices import pick
from blindspots.exposure import attacked, control, exposed, pictures


def main(snakemake):
    experiment, machine = snakemake.params.experiment, snakemake.config["machine"]
    device, found, seen = pick(machine["device"]), [], []
    sources, victims = iter(snakemake.input.sources), iter(snakemake.input.victims)
    for seed, split in zip(snakemake.params.seeds, snakemake.input.splits, strict=True):
        n = max(experiment["n"], experiment["controls_n"])
        data = parts.read(snakemake.input.images, split, experiment["part"], n, device)
        exhibits = []
        for _ in experiment["sources"]:
            images = data.first(experiment["n"])
            exhibits += attacked(next(sources), images, experiment["amplify"], experiment["clip"])
        for name, attack in snakemake.params.controls.items():
            images = data.first(experiment["controls_n"])
            exhibits.append(control(name, attack["method"], attack["settings"], images, seed))
        seen += [pictures(exhibit, seed) for exhibit in exhibits]
        with progress(f"transfer, seed {seed}", "victims", len(experiment["victims"])) as show:
            for number, name in enumerate(experiment["victims"], 1):
                model = checkpoints.load(next(victims)).to(device)
                found += [exposed(e, name, model, seed, machine["chunk"]) for e in exhibits]
                show(number)
    tables.write(snakemake.output.answers, pa.concat_tables(found), provenance(snakemake))
    tables.write(snakemake.output.pictures, pa.concat_tables(seen), provenance(snakemake))


with job(snakemake):
    main(snakemake)
