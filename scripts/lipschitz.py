"""Bound the layers of one net, and certify the images that the experiments use of it."""

import sys

import pyarrow as pa

from blindspots.analyses.lipschitz import layer_bounds
from blindspots.certificates import table
from blindspots.certificates.contract import call
from blindspots.config import methods
from blindspots.files import images, tables, weights
from blindspots.interface import InputError, UnsupportedError
from blindspots.jobs.job import job, own_models, progress, provenance
from blindspots.measurements.layers import LIPSCHITZ, not_bounded
from blindspots.threat.answers import answers


def main(snakemake):
    net = snakemake.wildcards.net
    model = weights.load(snakemake.input.weights, own=own_models(snakemake))
    origin = {"net": net, "seed": int(snakemake.wildcards.seed)}
    read = [
        images.read(prepared, split, of["part"], of["n"])
        for of, prepared, split in zip(
            snakemake.params.images, snakemake.input.images, snakemake.input.splits, strict=True
        )
    ]
    for data in read:
        if answers(model, data.images[:1], data.labels[:1], data.classes, 1) is None:
            raise InputError(
                f"net {net}: expected a net that classifies, with logits (n, classes), found other "
                "answers; leave it out of the experiments"
            )
    layers = bounded(net, model, data.images.shape[1:], snakemake.params.required)
    certified = [table.SCHEMA.empty_table()]
    for data in read:
        for name, certificate in snakemake.params.certificates.items():
            some = data.first(certificate["n"] or len(data.rows))
            columns = certified_by(name, certificate, net, model, some) | {
                "certificate": name,
                "dataset": some.dataset,
                "file": some.file,
                "index": some.rows,
                "label": some.labels.numpy(),
            }
            certified.append(tables.build(origin | columns, table.SCHEMA))
    layers = tables.build(origin | layers, LIPSCHITZ)
    tables.write(snakemake.output.layers, layers, provenance(snakemake))
    tables.write(snakemake.output.radii, pa.concat_tables(certified), provenance(snakemake))


def bounded(net, model, shape, required):
    """Columns of the layers' bounds; of a net without them, unless they are required, why."""
    try:
        with progress(f"bound {net}", "layers") as show:
            bounds = layer_bounds(model, shape, show)
    except UnsupportedError as error:
        if required:
            raise
        say(f"lipschitz, net {net}", error)
        return not_bounded(shape, str(error))
    columns = {name: [getattr(bound, name) for bound in bounds] for name in bounds[0]._fields}
    return columns | {"reason": None}


def certified_by(name, certificate, net, model, data):
    """Columns of radii; of a net that the method does not take, unless it is required, why."""
    certify = methods.find("certificates", certificate["method"])
    where = f"certificates.{name}, net {net}"
    try:
        return table.columns(call(certify, model, data, certificate["settings"]))
    except UnsupportedError as error:
        if certificate["required"]:
            remedy = f"or leave the net out of certificates.{name}.nets"
            raise InputError(f"{where}: {error}; {remedy}") from None
        say(where, error)
        return table.left_out(str(error))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def say(where, error):
    """A line in the log of what is left out."""
    print(f"{where}: left out: {error}", file=sys.stderr)


with job(snakemake):
    main(snakemake)
