"""Bound the layers of one net, and certify the images that the experiments use of it."""

import pyarrow as pa
from _job import job, progress, provenance

from blindspots import checkpoints, methods, parts, tables
from blindspots.analyses._tables import LIPSCHITZ
from blindspots.analyses.lipschitz import layer_bounds
from blindspots.certificates import _table


def main(snakemake):
    net, model = snakemake.wildcards.net, checkpoints.load(snakemake.input.weights)
    origin = {"net": net, "seed": int(snakemake.wildcards.seed)}
    certified = [_table.SCHEMA.empty_table()]
    for part, n in snakemake.params.images.items():
        file = snakemake.input[parts.file_of(part)]
        data = parts.read(file, snakemake.input.split, part, n)
        for name, certificate in snakemake.params.certificates.items():
            certify = methods.find("certificates", certificate["method"])
            found = certify(model, data.images, data.labels, **certificate["settings"])
            columns = _table.columns(found) | {
                "certificate": name,
                "file": data.file,
                "index": data.rows,
                "label": data.labels.numpy(),
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
