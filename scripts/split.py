"""Cut the dataset into P1, P2, the rest, validation and test."""

from blindspots.files import splits, tables
from blindspots.interface import InputError
from blindspots.jobs.job import job, provenance


def main(snakemake):
    train, test = (
        tables.read(snakemake.input[part], ["label", "sha256"]) for part in ("train", "test")
    )
    seed = int(snakemake.wildcards.seed)
    index, counts = splits.split(train, test, **snakemake.params.sizes, seed=seed)
    for name, net in snakemake.config["nets"].items():  # found out here, before anything is trained
        if net["train_on"] is not None and counts[net["train_on"]] == 0:
            raise InputError(
                f"config: nets.{name}.train_on: expected a part with images, found "
                f"{net['train_on']!r} without any; enlarge it under splits"
            )
    for name, experiment in snakemake.config["experiments"].items():
        wanted, there = max(experiment["n"], experiment["controls_n"]), counts[experiment["part"]]
        if wanted > there:
            raise InputError(
                f"config: experiments.{name}: expected n and controls_n to be at most {there}, the "
                f"images in part {experiment['part']!r}, found {wanted}; lower them or enlarge the "
                "part under splits"
            )
        lower, upper = tables.metadata(test)["box"]
        farthest = max(experiment["distortions"])
        if farthest > upper - lower:
            raise InputError(
                f"config: experiments.{name}.distortions: expected at most {upper - lower:g}, by "
                f"which a pixel can be moved from {lower:g} to {upper:g}, found {farthest:g}; "
                "lower it"
            )
    measured = snakemake.config["measurements"]
    for name, entry in measured.items():
        if (entry.get("n") or 0) > counts[entry.get("part", "test")]:
            raise InputError(
                f"config: measurements.{name}.n: expected at most {counts[entry['part']]}, the "
                f"images in part {entry['part']!r}, found {entry['n']}; lower it or enlarge the "
                "part under splits"
            )
    trained_on = [net["train_on"] for net in snakemake.config["nets"].values()]
    shown = [experiment["part"] for experiment in snakemake.config["experiments"].values()]
    shown += [entry["part"] for entry in measured.values() if entry.get("n")]
    splits.check_classes(index, [part for part in trained_on + shown if part is not None])
    metadata = provenance(snakemake) | {"images": counts}
    if names := tables.metadata(train).get("names"):  # of the classes, for the report
        metadata |= {"names": names}
    tables.write(snakemake.output[0], index, metadata)


with job(snakemake):
    main(snakemake)
