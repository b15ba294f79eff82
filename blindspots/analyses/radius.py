"""Transfer radii: how far each source's perturbations must be scaled to fool each victim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._pairs import IMAGE, PAIR
from blindspots.analyses.attacked import middle
from blindspots.analyses.kit import cells, over_seeds
from blindspots.threat.outcomes import RIGHT

REPORT = {
    "set": "directions",
    "place": 2,
    "title": "Transfer radius: median distortion that fools the victim",
    "of": "Transfer radius of {}: median distortion that fools the victim",
}
"""The report set that it is in (`config.reporting`)."""

NONE = "no image that both get right, attacked with success"
BEYOND = "more than half of the images are not fooled at any distortion that was tried"


def radius(radii: pd.DataFrame, clean: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """The median over images of the smallest distortion that fools the victim.

    Over the images that source and victim get right unaltered and on which the attack succeeded.

    Args:
        radii: with schema `measurements.sweep.RADII`.
        clean: with schema `threat.answers.CLEAN`.
        labels: labels of nets, by name.

    Returns:
        A row per source, a column per victim; no value where more than half of the images are not
        fooled at any distortion that was tried.
    """
    right = clean.loc[clean["outcome"] == RIGHT, ["net", *IMAGE]]
    rows = radii
    for net in ("source", "victim"):
        rows = rows.merge(right.rename(columns={"net": net}), on=[net, *IMAGE])
    found = []
    for (source, victim, seed), _ in radii.groupby(PAIR, sort=False):
        of = rows[(rows["source"] == source) & (rows["victim"] == victim) & (rows["seed"] == seed)]
        distances = of.loc[of["success"], "radius"].fillna(np.inf).to_numpy(float)
        low, high = statistics.median(distances)
        median = middle(distances)
        found.append(
            median
            | {
                "row": source, "column": victim, "unit": "RMS per pixel", "seed": seed,
                "n": len(distances), "tried": len(of),
                "low": low, "high": high if np.isfinite(high) else np.nan, "interval": "median",
                "reason": BEYOND if median["endless"] else NONE,
            }
        )  # fmt: skip
    return cells(over_seeds(pd.DataFrame(found), ["row", "column", "unit"]), labels)
