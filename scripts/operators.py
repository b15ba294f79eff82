"""One network: the norms of its linear layers. No data is needed."""

from pathlib import Path

from blindspots.bounds.linear import LinearLayer, linear_layers
from blindspots.config import methods
from blindspots.files import tables, weights
from blindspots.interface import InputError
from blindspots.jobs.job import job, progress, provenance
from blindspots.measurements.operators import OPERATORS


def main(snakemake):
    name, network = snakemake.wildcards.network, snakemake.params.network
    made = [network[key] for key in ("method", "settings", "shape", "classes")]
    file, origin = network["weights"], f"fresh, of seed {network['seed']}"
    try:
        model, spec = weights.create(*made, seed=network["seed"] or 0)
        if file is not None:
            if methods.own_weights(network["method"], network["settings"]) is None:
                if network["content"] is not None:
                    weights.check_spec(file, spec)
                weights.load_weights(model, file)
            origin = Path(file).name
        with progress(f"norms of {name}", "layers") as show:
            layers = linear_layers(model, network["shape"], show)
    except InputError as error:
        raise InputError(f"operators.{name}: {error}") from None
    columns = {name: [getattr(found, name) for found in layers] for name in LinearLayer._fields}
    columns |= {"network": name, "origin": origin}
    tables.write(snakemake.output[0], tables.build(columns, OPERATORS), provenance(snakemake))


with job(snakemake):
    main(snakemake)
