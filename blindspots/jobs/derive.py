"""Make a dataset from the images of another, by nets or without."""

from blindspots.datasets import contract, table
from blindspots.devices import pick
from blindspots.files import images, splits, tables, weights
from blindspots.interface import InputError
from blindspots.jobs.job import own_models, progress, provenance


def derive(snakemake):
    """Write a derived dataset's training and test images, and its split, which is its parent's.

    Raises:
        InputError: parents that are nets of other images, or a method that breaks its contract.
    """
    data, name = snakemake.params.data, snakemake.wildcards.dataset
    seed, device = int(snakemake.wildcards.seed), pick(snakemake.config["machine"]["device"])
    models, contents = _parents(snakemake, device), []
    with progress(f"make {name}", "files", 2) as show:
        for done, file in enumerate(("train", "test"), 1):
            source = images.whole(snakemake.input[file], file, device)
            part = contract.make(data["method"], data["settings"], source, models, seed=seed)
            names = tables.metadata(tables.schema_of(snakemake.input[file])).get("names")
            written = table.write(
                snakemake.output[file], part, source.classes, source.box, provenance(snakemake),
                names, dataset=name,
            )  # fmt: skip
            contents.append(written)
            show(done)
    split = tables.read(snakemake.input.split)
    said = {k: v for k, v in tables.metadata(split).items() if k in ("images", "names")}
    split = splits.replaced(split, *contents, dataset=name)
    tables.write(snakemake.output.split, split, provenance(snakemake) | said | {"dataset": name})


def _parents(snakemake, device):
    """Return the nets that a dataset is made with, by the names that its method has for them."""
    name, found = snakemake.wildcards.dataset, {}
    files = snakemake.input.get("parents", [])
    schema = tables.schema_of(snakemake.input.train)
    expected = list(schema.field("image").type.shape), tables.metadata(schema)["classes"]
    for role, file in zip(snakemake.params.parents, files, strict=True):
        spec = weights.spec_of(file)
        if (spec["shape"], spec["classes"]) != expected:
            raise InputError(
                f"config: datasets.{name}.parents.{role}: expected a net of images of shape and "
                f"number of classes {expected}, found {spec['shape'], spec['classes']}"
            )
        found[role] = weights.load(file, own=own_models(snakemake)).to(device)
    return found
