"""The table of a training's history: a row every few iterations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Integral, Real
from typing import Any

import pyarrow as pa

from blindspots.files import tables
from blindspots.interface import InputError, Status

COMMON = [
    pa.field("net", pa.string(), nullable=False),
    pa.field("seed", pa.int32(), nullable=False),
    pa.field("iteration", pa.int32(), nullable=False),
    pa.field("status", pa.string()),  # how the training ended; null but in the last row
]
"""Columns of every history; the terms that the trainer reports follow, "seconds" last."""


def checked(found: Any, method: str) -> tuple[Sequence[Mapping[str, float]], Status]:
    """Check what a trainer returned: its rows and its status.

    Args:
        found: what it returned.
        method: its name, for the message.

    Raises:
        InputError: names the method, and the row that offends.
    """
    wanted = f"{method}: expected a trainer to return rows of its history and a Status"
    if not isinstance(found, tuple | list) or len(found) != 2 or not isinstance(found[0], list):
        raise InputError(f"{wanted}, found {type(found).__name__}; return rows, Status.CONVERGED")
    rows, status = found
    if status not in [*Status] or not rows:
        raise InputError(f"{wanted}, found {len(rows)} rows and {status!r}")
    for number, row in enumerate(rows):
        terms = (
            {**dict.fromkeys(("iteration", "seconds")), **row} if isinstance(row, Mapping) else {}
        )
        odd = {name: term for name, term in terms.items() if not _fits(name, term, Status(status))}
        if odd or not terms:
            raise InputError(
                f"{wanted}; rows[{number}]: expected finite numbers by name, iteration (a whole "
                f"one) and seconds among them, found {odd or row!r}"
            )
    return rows, Status(status)


def _fits(name: Any, term: Any, status: Status) -> bool:
    if name == "iteration":
        return isinstance(term, Integral)
    if term is None:  # what only some rows have
        return name != "seconds"
    finite = isinstance(term, Real) and (isfinite(term) or status == Status.NON_FINITE)
    return isinstance(name, str) and finite


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
