"""Summary of the ledger: certified distances next to the distances found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots.analyses.attacked import NONE_RIGHT, middle
from blindspots.analyses.kit import NETS_IMAGE, cells, over_seeds
from blindspots.analyses.masking import ALL_INSIDE, Unclipped, warnings
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import REJECTED, RIGHT

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

NOTE = (
    "Over the images that the net gets right unaltered; medians over those with a certificate. No "
    "perturbation shorter than the certified radius changes the answer; the shortest one found by "
    "any attack or control does. Distances are in L2 unless the column heading names another norm, "
    "and infinite for images that nothing fooled."
)
"""Note below the table (`report.summaries`)."""

REPORT = {
    "set": "standard",
    "place": 5,
    "title": "Ledger: certified against found",
    "of": "Ledger of {}: certified against found",
}
"""Place and titles in a report set (`config.reporting`)."""

HEADLINE = {
    "certified": "Certified radius (median)",
    "found": "Smallest distance found (median)",
}
"""Part of the table that the report's first screen shows (`report.headlines`)."""


OTHERS = {"l1": "L1", "linf": "Linf", "l0": "L0, pixels", "l0_features": "L0, features"}
"""Norms with columns of their own after those of L2, in order."""

ROW_NAMES = ("{nets}",)
COLUMNS = (
    "success", "rejected", "certified", "found", "looseness", "certified *", "found *", "warning",
)  # fmt: skip
"""Rows and columns of the table (`config.cells`)."""


def why(rows: pd.DataFrame) -> str:
    """Reason why a net's rows of the ledger have no certified radius."""
    said = rows["reason"].dropna()
    return str(said.iloc[0]) if len(said) else "no certificate"


def ledger(
    ledger: Frame,
    attacks: pd.DataFrame,
    transfer: Frame,
    clean: Frame,
    *,
    labels: Mapping[str, str],
    unclipped: Unclipped = ALL_INSIDE,
) -> pd.DataFrame:
    """Summary of the ledger per net: certified distances next to the distances found.

    Args:
        ledger: bounds of each image, with schema `jobs.ledger.SCHEMA`.
        attacks: attacked images of the experiment; their nets and images are summarised.
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`, for
            signs of masked gradients.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`, for signs of masked
            gradients.
        labels: display name of each net.
        unclipped: what may leave the box, for the same signs.

    Returns:
        A row per net:

        * The share in percent of fooled images among those that the net gets right unaltered, and,
          if any net rejects an unaltered image, the share of all images that it rejects.
        * The medians in L2 of the certified radius, of the distance found and of their quotient,
          for any wrong class, over the right images that have a certificate (all if none has one).
          Images that nothing fooled count as infinite. A net without certified radii has the
          reason instead.
        * The same medians in the other norms, without the quotient.
        * A warning if gradients look masked (`analyses.masking.warnings`).
    """
    images = attacks[[*NETS_IMAGE, "outcome"]].drop_duplicates(NETS_IMAGE)
    rejects = bool((images["outcome"] == REJECTED).any())
    found = [
        {"row": net, "seed": seed} | cell
        for net, its in images.groupby("net", sort=False)
        for seed, group in _bounds(ledger, net, its).groupby("seed", sort=False)
        for cell in _of(group, rejects)
    ]
    keys = ["row", "column", "column_label", "unit"]
    columns = [*keys, "seed", "value", "n", "endless", "reason"]
    values = over_seeds(pd.DataFrame(found, columns=columns), keys)
    return cells(pd.concat([values, warnings(attacks, transfer, clean, unclipped)]), labels)


READ = [*NETS_IMAGE, "norm", "goal", "upper", "lower", "reason"]
"""Columns of the ledger that are read here."""


def _bounds(ledger: Frame, net: str, images: pd.DataFrame) -> pd.DataFrame:
    """Return the ledger's rows of a net's images, for any wrong class."""
    rows = parted(ledger).of("net", [net], READ)
    return images.merge(rows[rows["goal"] == "any"], on=NETS_IMAGE)


def _of(every: pd.DataFrame, rejects: bool) -> Iterator[dict[str, Any]]:
    """Cells of one network."""
    right = every[every["outcome"] == RIGHT]
    rows = right[right["norm"] == "l2"]
    yield {
        "column": "success", "column_label": "images fooled", "unit": "%", "n": len(rows),
        "value": 100 * rows["upper"].notna().mean(), "reason": NONE_RIGHT,
    }  # fmt: skip
    if rejects:
        all_of = every[every["norm"] == "l2"]
        yield {
            "column": "rejected", "column_label": "rejected unaltered", "unit": "%",
            "n": len(all_of), "value": 100 * (all_of["outcome"] == REJECTED).mean(),
        }  # fmt: skip
    yield from _medians(rows, "", "", "L2")
    for norm, label in OTHERS.items():
        if (there := right[right["norm"] == norm]).size:
            columns = _medians(there, f" {norm}", f", {label}", "")
            yield from (cell for cell in columns if cell["column"] != f"looseness {norm}")


def _medians(rows: pd.DataFrame, key: str, label: str, unit: str) -> Iterator[dict[str, Any]]:
    """Medians of the bounds in one norm, and of their quotient."""
    certified, no_radius = rows["lower"].notna(), why(rows)
    rows = rows[certified | ~certified.any()]
    upper, lower = rows["upper"].fillna(np.inf), rows["lower"]
    quotient = (upper / lower)[lower > 0]
    for column, title, of, values in (
        ("certified", "median certified", unit, lower.dropna()),
        ("found", "median found", unit, upper),
        ("looseness", "median found / certified", "", quotient),
    ):
        median = middle(values.to_numpy(float))
        yield median | {
            "column": column + key, "column_label": title + label, "unit": of, "n": len(rows),
            "reason": None if median["endless"] else no_radius,
        }  # fmt: skip
