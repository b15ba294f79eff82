"""Tables for an analysis or a figure, by the names of its parameters."""

import pyarrow as pa

from blindspots.certificates import table as certificates
from blindspots.files import tables
from blindspots.files.parts import Parts
from blindspots.trainers import table as trainers


def evidence(inputs, n=None, pictures=(), parts=()):
    """Return the tables as frames by name.

    Args:
        inputs: paths of the tables by name, as `rules/common.smk` names the inputs of the job.
        n: number of rows to keep of each table of attacks, by path; the table may have more rows,
            for images of other experiments.
        pictures: tables whose columns of images are kept.
        parts: tables that are returned as `files.parts.Parts`, not read into memory.
    """
    return {
        name: Parts(paths)
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
    """Return the schema of a table that a run may lack, such as a history if no net is trained."""
    if name == "lipschitz":
        from blindspots.measurements.layers import LIPSCHITZ  # needs torch

        return LIPSCHITZ
    return {"history": pa.schema(trainers.COMMON), "certificates": certificates.SCHEMA}.get(name)
