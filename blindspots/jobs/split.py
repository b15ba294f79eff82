"""Cut a dataset into its parts, and hold the config against their sizes before anything trains."""

from collections.abc import Mapping
from typing import Any

from blindspots.config.datasets import plain_of
from blindspots.files import boxes, splits, tables
from blindspots.interface import Box, InputError
from blindspots.jobs.job import provenance

Sections = dict[str, dict[str, Mapping[str, Any]]]


def split(snakemake):
    """Write the index of a dataset's parts.

    Raises:
        InputError: parts that are too small for what the config does with the dataset's images, or
            nets of other datasets that cannot take them.
    """
    train, test = (
        tables.read(snakemake.input[part], ["label", "sha256"]) for part in ("train", "test")
    )
    seed, dataset = int(snakemake.wildcards.seed), snakemake.wildcards.dataset
    _check_shapes(snakemake)
    index, counts = splits.split(train, test, **snakemake.params.sizes, seed=seed, dataset=dataset)
    used = _shown(snakemake.config, dataset)
    _check_sizes(used, counts, boxes.decoded(tables.metadata(test)["box"]))
    splits.check_classes(index, _parts(used))
    metadata = provenance(snakemake) | {"dataset": dataset, "images": counts}
    if names := tables.metadata(train).get("names"):  # of the classes, for the report
        metadata |= {"names": names}
    tables.write(snakemake.output[0], index, metadata)


def _check_shapes(snakemake):
    """Refuse nets that were made for images of another shape, or for other classes."""
    for name, file in zip(snakemake.params.others, snakemake.input.get("others", []), strict=True):
        found, expected = (_shape_of(path) for path in (file, snakemake.input.test))
        if found != expected:
            raise InputError(
                f"config: datasets: expected those of nets that are shown images of "
                f"{snakemake.wildcards.dataset} to have its shape and number of classes, "
                f"{expected}, found {found} in {name}; leave the nets of {name} out"
            )


def _shape_of(path):
    schema = tables.schema_of(path)
    shape = "×".join(map(str, schema.field("image").type.shape))
    return f"{shape} and {tables.metadata(schema)['classes']}"


def _shown(config, dataset: str) -> Sections:
    """Return the entries of the config that use images of a dataset, or of one made from it."""
    return {
        section: {
            name: entry
            for name, entry in config[section].items()
            if any(
                plain_of(config["datasets"], of) == dataset for of in _datasets_of(entry, config)
            )
        }
        for section in ("nets", "experiments", "measurements")
    }


def _datasets_of(entry, config) -> list[str]:
    """Return the datasets of an entry; by default those of a measurement's nets."""
    if entry.get("data") is not None:
        return [entry["data"]]
    nets = entry["nets"] if entry.get("n") else []
    return [config["nets"][net]["data"] for net in nets]


def _check_sizes(used: Sections, counts: Mapping[str, int], box: Box) -> None:
    """Refuse entries that ask for more images than a part has, or for too long perturbations."""
    for name, net in used["nets"].items():
        if net["train_on"] is not None and counts[net["train_on"]] == 0:
            raise InputError(
                f"config: nets.{name}.train_on: expected a part with images, found "
                f"{net['train_on']!r} without any; enlarge it under splits"
            )
    for name, experiment in used["experiments"].items():
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
    for name, entry in used["measurements"].items():
        if (entry["n"] or 0) > counts[entry["part"]]:
            raise InputError(
                f"config: measurements.{name}.n: expected at most {counts[entry['part']]}, the "
                f"images in part {entry['part']!r}, found {entry['n']}; lower it or enlarge the "
                "part under splits"
            )


def _parts(used: Sections) -> list[str]:
    """Return the parts that nets are trained on or shown."""
    found = [net["train_on"] for net in used["nets"].values()]
    found += [experiment["part"] for experiment in used["experiments"].values()]
    found += [entry["part"] for entry in used["measurements"].values() if entry["n"]]
    return [part for part in found if part is not None]
