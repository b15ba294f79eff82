"""One experiment: every source's attacked images, and the controls, shown to every victim."""

from itertools import product

import pyarrow as pa

from blindspots.devices import pick
from blindspots.files import images, tables, weights
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.measurements.transfer import Victim, attacked, control, exposed, pictures
from blindspots.measurements.witnesses import Witnesses


def main(snakemake):
    experiment, machine = snakemake.params.experiment, snakemake.config["machine"]
    device, found, seen, kept = pick(machine["device"]), [], [], []
    sources, seeds = iter(snakemake.input.sources), snakemake.params.seeds
    networks = [(name, seed) for seed in seeds for name in experiment["victims"]]
    files = dict(zip(networks, snakemake.input.victims, strict=True))
    given = zip(seeds, snakemake.input.images, snakemake.input.splits, strict=True)
    for seed, prepared, split in given:
        n = max(experiment["n"], experiment["controls_n"])
        data = images.read(prepared, split, experiment["part"], n, device)
        exhibits = []
        for _ in product(experiment["attacks"], experiment["sources"]):
            some = data.first(experiment["n"])
            exhibits += attacked(next(sources), some, experiment["amplify"], experiment["clip"])
        for name, attack in snakemake.params.controls.items():
            some = data.first(experiment["controls_n"])
            exhibits.append(control(name, attack["method"], attack["settings"], some, seed))
        seen += [pictures(exhibit, seed) for exhibit in exhibits]
        shown = [victim for victim in files if victim[1] == seed or experiment["across_seeds"]]
        with progress(f"transfer, seed {seed}", "victims", len(shown)) as show:
            for number, network in enumerate(shown, 1):
                model = weights.load(files[network], own=own_models(snakemake))
                victim = Victim(*network, model.to(device))
                witnesses = Witnesses(*network, data)
                found += [
                    exposed(
                        exhibit, victim, experiment=snakemake.wildcards.experiment, seed=seed,
                        chunk=machine["chunk"], witnesses=witnesses,
                    )
                    for exhibit in exhibits
                ]  # fmt: skip
                kept.append(witnesses.table(victim.model, machine["chunk"]))
                show(number)
    tables.write(snakemake.output.answers, pa.concat_tables(found), provenance(snakemake))
    tables.write(snakemake.output.pictures, pa.concat_tables(seen), provenance(snakemake))
    tables.write(snakemake.output.witnesses, pa.concat_tables(kept), provenance(snakemake))


with job(snakemake):
    main(snakemake)
