"""Transfer radii: how far each source's perturbations must be scaled to fool each victim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._pairs import PAIR
from blindspots.analyses.attacked import middle
from blindspots.analyses.kit import IMAGE, NETS_IMAGE, cells, over_seeds
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import RIGHT

CORNER = "images made for / distortion that fools"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "directions",
    "place": 2,
    "title": "Transfer radius: median distortion that fools the victim",
    "of": "Transfer radius of {}: median distortion that fools the victim",
}
"""Place and titles in a report set (`config.reporting`)."""

NONE = "no successfully attacked image that both nets get right"
BEYOND = "more than half of the images are not fooled at any distortion tried"

ROW_NAMES = ("{nets}",)
COLUMNS = ("{victims}",)
"""Rows and columns of the table (`config.cells`)."""


def radius(radii: Frame, clean: Frame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """Median over images of the smallest distortion that fools the victim.

    The images are those that source and victim get right unaltered and on which the attack
    succeeded.

    Args:
        radii: transfer radii, with schema `measurements.sweep.RADII`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        labels: display name of each net.

    Returns:
        A row per source, a column per victim; no value if more than half of the images are not
        fooled at any distortion tried.
    """
    right = parted(clean).frame([*NETS_IMAGE, "outcome"])
    right = right.loc[right["outcome"] == RIGHT, NETS_IMAGE]
    found = [cell for rows in parted(radii).by("source", READ) for cell in _cells(rows, right)]
    return cells(over_seeds(pd.DataFrame(found), ["row", "column", "unit"]), labels)


READ = [*PAIR, *IMAGE[1:], "success", "radius"]
"""Columns of the table of radii that are read here."""


def _cells(radii: pd.DataFrame, right: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Cell per source, victim and seed; `right` lists the images that each net gets right."""
    rows, right = radii, right[right["index"].isin(radii["index"].unique())]
    for net in ("source", "victim"):
        own = right[right["net"].isin(radii[net].unique())]
        rows = rows.merge(own.rename(columns={"net": net}), on=[net, *IMAGE])
    by_pair = dict(list(rows.groupby(PAIR, sort=False)))
    for source, victim, seed in radii[PAIR].drop_duplicates().itertuples(index=False):
        of = by_pair.get((source, victim, seed), rows[:0])
        distances = of.loc[of["success"], "radius"].fillna(np.inf).to_numpy(float)
        low, high = statistics.median(distances)
        median = middle(distances)
        yield median | {
            "row": source, "column": victim, "unit": "RMS per pixel", "seed": seed,
            "n": len(distances), "tried": len(of),
            "low": low, "high": high if np.isfinite(high) else np.nan, "interval": "median",
            "reason": BEYOND if median["endless"] else NONE,
        }  # fmt: skip
