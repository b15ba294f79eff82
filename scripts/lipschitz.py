"""Bound the layers of one net, and certify the images that the experiments use of it."""

import pyarrow as pa
from _job import job, own_models, progress, provenance

from blindspots import checkpoints, methods, parts, tables
from blindspots.analyses._tables import LIPSCHITZ
from blindspots.analyses.lipschitz import layer_bounds
from blindspots.certificates import _table
from blindspots.interface import InputError


def main(snakemake):
    net = snakemake.wildcards.net
    model = checkpoints.load(snakemake.input.weights, own=own_models(snakemake))
    origin = {"net": net, "seed": int(snakemake.wildcards.seed)}
    certified = [_table.SCHEMA.empty_table()]
    for part, n in snakemake.params.images.items():
        file = snakemake.input[parts.file_of(part)]
        data = parts.read(file, snakemake.input.split, part, n)
        for name, certificate in snakemake.params.certificates.items():
            certify = methods.find("certificates", certificate["method"])
            some = data.first(min(certificate["n"] or n, n))
            try:
                found = certify(model, some.images, some.labels, **certificate["settings"])
            except InputError as error:
                remedy = f"or leave the net out of certificates.{name}.nets"
                raise InputError(f"certificates.{name}, net {net}: {error}; {remedy}") from None
            columns = _table.columns(found) | {
                "certificate": name,
                "file": some.file,
                "index": some.rows,
                "label": some.labels.numpy(),
            }
            certified.append(tables.build(origin | columns, _table.SCHEMA))
    with progress(f"bound {net}", "layers") as show:
        bounds = layer_bounds(model, data.images.shape[1:], show)
    columns = {name: [getattr(bound, name) for bound in bounds] for name in bounds[0]._fields}
    layers = tables.build(origin | columns, LIPSCHITZ)
    tables.write(snakemake.output.layers, layers, provenance(snakemake))
    tables.write(snakemake.output.radii, pa.concat_tables(certified), provenance(snakemake))


with job(snakemake):
    main(snakemake)
