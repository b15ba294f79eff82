"""Estimate memory and time of jobs by the rows that they read; see ``benchmarks.summaries``."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from blindspots.files.parts import MOST

ROW = {"transfer": 1000, "radii": 1000, "attacks": 1000, "clean": 500, "ledger": 500}
"""Bytes per row of a table, in a frame and in what an analysis computes from it."""

OTHER = 1000
"""Bytes per row of a table that is not in `ROW`."""

SOME = {"clean": 200, "ledger": 200}
"""Bytes per row of a table that is read by parts and of which some columns stay in memory."""

PLACE = 20
"""Bytes per row that stays on the disk: the number of its part."""


def by_analysis(rows: Mapping[str, int], by_parts: Collection[str], keys: int) -> int:
    """Return the bytes that an analysis or a figure needs.

    Args:
        rows: number of rows of each table that it reads, by name.
        by_parts: tables that it reads part by part (`files.parts`).
        keys: least number of distinct values of the key by which long tables are cut into parts.
    """
    held = 0
    for name, n in rows.items():
        if name not in by_parts:
            held += n * ROW.get(name, OTHER)
        elif name in SOME:
            held += n * SOME[name]
        else:
            held += min(n, max(MOST, n // keys)) * ROW.get(name, OTHER) + n * PLACE
    return held


PACE = 50_000
"""Rows that are read and summarised in a second: far fewer than `benchmarks.summaries` measures,
which prints the share of the declared time that each summary takes."""


def minutes(rows: int) -> int:
    """Minutes that a job takes for the rows of the tables that it reads, beside a fixed time."""
    return math.ceil(rows / PACE / 60)


ATTACKED, CLAIM = 4000, 200
"""Bytes per attacked image of the net whose bounds are joined, and per row of the ledger in the
audit."""

BOUNDS = 10
"""Rows of the ledger per attacked image: five norms, each for any wrong class and for a target."""


def by_ledger(attacked: int, sources: int) -> int:
    """Return the bytes that the ledger's job needs.

    Args:
        attacked: rows of the tables of attacks; the tables of witnesses have about as many.
        sources: number of nets that were attacked, which are joined one after another.
    """
    return 2 * attacked * PLACE + 2 * attacked // max(sources, 1) * ATTACKED


def by_audit(attacked: int, sources: int) -> int:
    """Return the bytes that the audit needs; the arguments are those of `by_ledger`."""
    return attacked * BOUNDS * CLAIM + by_ledger(attacked, sources)
