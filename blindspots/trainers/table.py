"""Table of a training's history: a row every few iterations."""

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
    pa.field("status", pa.string()),  # how the training ended; in the last row only
]
"""Columns of every history; the trainer's terms follow, and "seconds" last."""


def checked(found: Any, method: str) -> tuple[Sequence[Mapping[str, float]], Status]:
    """Check what a trainer returned, and return its rows and its status.

    Args:
        found: what it returned.
        method: its name, for the message.

    Raises:
        InputError: names the method, and the first faulty row.
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
    if term is None:  # a term that only some rows have
        return name != "seconds"
    finite = isinstance(term, Real) and (isfinite(term) or status == Status.NON_FINITE)
    return isinstance(name, str) and finite


def build(net: str, seed: int, rows: Sequence[Mapping[str, float]], status: Status) -> pa.Table:
    """Build the table of a trainer's history.

    Args:
        net: name.
        seed: the net's.
        rows: terms by name, "iteration" and "seconds" (wall time) among them; a term that only some
            rows have is null in the others.
        status: how the training ended.
    """
    named = dict.fromkeys(name for row in rows for name in row)
    terms = [name for name in named if name not in ("iteration", "seconds")] + ["seconds"]
    schema = pa.schema([*COMMON, *(pa.field(name, pa.float64()) for name in terms)])
    columns = {name: [row.get(name) for row in rows] for name in ("iteration", *terms)}
    ends = [None] * (len(rows) - 1) + [Status(status).name]
    return tables.build(columns | {"net": net, "seed": seed, "status": ends}, schema)
