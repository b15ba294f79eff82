"""Memory and time of jobs that read tables, by rows; ``benchmarks.summaries`` measures them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from blindspots.files.parts import MOST

ROW = {
    "transfer": 1000, "radii": 1000, "attacks": 1000, "pockets": 1000, "clean": 500, "ledger": 500,
}  # fmt: skip
"""Bytes of a row of a table: as a frame has it, and what an analysis makes of it."""

SOME = {"clean": 200, "ledger": 200}
"""Bytes of a row of a table of which some columns are held, by analyses that read by parts."""

PLACE = 20
"""Bytes of a row that is on the disk: which part it is in."""


def by_analysis(rows: Mapping[str, int], by_parts: Collection[str], keys: int) -> int:
    """Bytes that an analysis or a figure holds.

    Args:
        rows: of the tables that it reads, by name; of others nothing is known.
        by_parts: the tables that it reads part by part (`files.parts`).
        keys: values of what long tables are parted by, at least.
    """
    held = 0
    for name, n in rows.items():
        if name not in by_parts:
            held += n * ROW.get(name, 0)
        elif name in SOME:
            held += n * SOME[name]
        else:
            held += min(n, max(MOST, n // keys)) * ROW.get(name, 0) + n * PLACE
    return held


PACE = 50_000
"""Rows that are read and summarised in a second, a small part of what is measured."""


def minutes(rows: int) -> int:
    """Minutes that a job takes for the rows of the tables that it reads, beside a fixed time."""
    return math.ceil(rows / PACE / 60)


ATTACKED, CLAIM = 4000, 200
"""Bytes of an attacked image of the net whose bounds are joined, and of a row of the ledger as the
audit holds it."""

BOUNDS = 10
"""Rows of the ledger of an attacked image: five norms, any wrong class and a target."""


def by_ledger(attacked: int, sources: int) -> int:
    """Bytes that the ledger's job holds.

    Args:
        attacked: rows of the tables of attacks; about as many witnesses are beside them.
        sources: nets that they are of, one after another.
    """
    return 2 * attacked * PLACE + 2 * attacked // max(sources, 1) * ATTACKED


def by_audit(attacked: int, sources: int) -> int:
    """Bytes that the audit holds, as `by_ledger`."""
    return attacked * BOUNDS * CLAIM + by_ledger(attacked, sources)
