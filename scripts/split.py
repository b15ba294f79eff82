"""Cut the dataset into P1, P2, the rest, validation and test."""

from blindspots.config.datasets import plain_of
from blindspots.files import boxes, splits, tables
from blindspots.interface import InputError
from blindspots.jobs.job import job, provenance


def check_shapes(snakemake):
    """Refuse nets that were made for images of another shape, or for other classes."""
    for name, file in zip(snakemake.params.others, snakemake.input.get("others", []), strict=True):
        found, expected = ((shape_of(path)) for path in (file, snakemake.input.test))
        if found != expected:
            raise InputError(
                f"config: datasets: expected those of nets that are shown images of "
                f"{snakemake.wildcards.dataset} to have its shape and number of classes, "
                f"{expected}, found {found} in {name}; leave the nets of {name} out"
            )


def shape_of(path):
    schema = tables.schema_of(path)
    shape = "×".join(map(str, schema.field("image").type.shape))
    return f"{shape} and {tables.metadata(schema)['classes']}"


def shown_to(entry, config):
    """The datasets of an entry; by default those of a measurement's nets."""
    if entry.get("data") is not None:
        return [entry["data"]]
    nets = entry["nets"] if entry.get("n") else []
    return [config["nets"][net]["data"] for net in nets]


def main(snakemake):
    train, test = (
        tables.read(snakemake.input[part], ["label", "sha256"]) for part in ("train", "test")
    )
    seed, dataset = int(snakemake.wildcards.seed), snakemake.wildcards.dataset
    check_shapes(snakemake)
    index, counts = splits.split(train, test, **snakemake.params.sizes, seed=seed, dataset=dataset)
    config = snakemake.config
    nets, experiments, measured = (
        {
            name: each
            for name, each in config[section].items()
            if any(plain_of(config["datasets"], of) == dataset for of in shown_to(each, config))
        }
        for section in ("nets", "experiments", "measurements")
    )
    for name, net in nets.items():  # found here, before anything is trained
        if net["train_on"] is not None and counts[net["train_on"]] == 0:
            raise InputError(
                f"config: nets.{name}.train_on: expected a part with images, found "
                f"{net['train_on']!r} without any; enlarge it under splits"
            )
    box = boxes.decoded(tables.metadata(test)["box"])
    for name, experiment in experiments.items():
        wanted, there = max(experiment["n"], experiment["controls_n"]), counts[experiment["part"]]
        if wanted > there:
            raise InputError(
                f"config: experiments.{name}: expected n and controls_n to be at most {there}, the "
                f"images in part {experiment['part']!r}, found {wanted}; lower them or enlarge the "
                "part under splits"
            )
        farthest, reach = max(experiment["distortions"]), boxes.reach(box)
        if farthest > reach:
            raise InputError(
                f"config: experiments.{name}.distortions: expected at most {reach:g}, by "
                f"which an image can be moved within {boxes.shown(box)}, found {farthest:g}; "
                "lower it"
            )
    for name, entry in measured.items():
        if (entry["n"] or 0) > counts[entry["part"]]:
            raise InputError(
                f"config: measurements.{name}.n: expected at most {counts[entry['part']]}, the "
                f"images in part {entry['part']!r}, found {entry['n']}; lower it or enlarge the "
                "part under splits"
            )
    trained_on = [net["train_on"] for net in nets.values()]
    shown = [experiment["part"] for experiment in experiments.values()]
    shown += [entry["part"] for entry in measured.values() if entry["n"]]
    splits.check_classes(index, [part for part in trained_on + shown if part is not None])
    metadata = provenance(snakemake) | {"dataset": dataset, "images": counts}
    if names := tables.metadata(train).get("names"):  # of the classes, for the report
        metadata |= {"names": names}
    tables.write(snakemake.output[0], index, metadata)


with job(snakemake):
    main(snakemake)
