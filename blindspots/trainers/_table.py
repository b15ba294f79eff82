"""The table of a training's history: a row every few iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from blindspots import tables
from blindspots.interface import Status

COMMON = [
    pa.field("net", pa.string(), nullable=False),
    pa.field("seed", pa.int32(), nullable=False),
    pa.field("iteration", pa.int32(), nullable=False),
    pa.field("status", pa.string()),  # how the training ended; null but in the last row
]
"""Columns of every history; the terms that the trainer reports follow, "seconds" last."""


def build(net: str, seed: int, rows: Sequence[Mapping[str, float]], status: Status) -> pa.Table:
    """A table of the terms that a trainer reports.

    Args:
        net: name.
        seed: of the net.
        rows: the terms every few iterations, "iteration" and "seconds" (wall time) among them; what
            only some rows have is null in the others.
        status: how the training ended.
    """
    named = dict.fromkeys(name for row in rows for name in row)
    terms = [name for name in named if name not in ("iteration", "seconds")] + ["seconds"]
    schema = pa.schema([*COMMON, *(pa.field(name, pa.float64()) for name in terms)])
    columns = {name: [row.get(name) for row in rows] for name in ("iteration", *terms)}
    ends = [None] * (len(rows) - 1) + [Status(status).name]
    return tables.build(columns | {"net": net, "seed": seed, "status": ends}, schema)
