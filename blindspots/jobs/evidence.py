"""The tables that an analysis or a figure reads, by the names of its parameters."""

import pyarrow as pa

from blindspots.certificates import table as certificates
from blindspots.files import tables
from blindspots.files.parts import Parts
from blindspots.trainers import table as trainers


def evidence(inputs, n=None, pictures=(), parts=()):
    """Frames by name, as `rules/common.smk` names the inputs of the job.

    Of each table of attacks the rows that `n` says by its path, the images of the experiments:
    another one may have asked for more of them. Of the tables that `pictures` names the images,
    too. Tables in `parts` are not held (`files.parts`).
    """
    return {
        name: Parts(paths, _empty(name))
        if name in parts and paths
        else tables.frame(
            paths,
            None if paths else _empty(name),
            with_images=name in pictures,
            first=[n[path] for path in paths] if n and name == "attacks" else None,
        )
        for name, paths in inputs.items()
        if name not in ("stale", "expected")  # see rules/origins.smk, and jobs/expect.py
    }


def _empty(name):
    """The schema of a table that a run may not have: nets that were given, or none to bound."""
    if name == "lipschitz":
        from blindspots.measurements.layers import LIPSCHITZ  # needs torch

        return LIPSCHITZ
    return {"history": pa.schema(trainers.COMMON), "certificates": certificates.SCHEMA}.get(name)
