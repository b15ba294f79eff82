"""Transfer radii: how far each source's perturbations must be scaled to fool each victim."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._pairs import PAIR
from blindspots.analyses._summary import cells, over_seeds


def radius(radii: pd.DataFrame, clean: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """The median over images of the smallest distortion that fools the victim.

    Over the images that source and victim get right unaltered and on which the attack succeeded.

    Args:
        radii: with schema `_tables.RADII`.
        clean: with schema `answers.CLEAN`.
        labels: of nets, by name.

    Returns:
        A row per source, a column per victim; no value where more than half of the images are not
        fooled at any distortion that was tried.
    """
    right = clean[clean["prediction"] == clean["label"]]
    right = right[["net", "seed", "file", "index"]].rename(columns={"net": "source"})
    rows = radii[radii["success"] & ~(radii["radius"] == 0)]
    rows = rows.merge(right, on=["source", "seed", "file", "index"])
    found = []
    for (source, victim, seed), _ in radii.groupby(PAIR, sort=False):
        of = rows[(rows["source"] == source) & (rows["victim"] == victim) & (rows["seed"] == seed)]
        distances = of["radius"].fillna(np.inf).to_numpy()
        middle = float(np.median(distances)) if len(distances) else np.nan
        low, high = statistics.median(distances)
        reason = None
        if len(distances) == 0:
            reason = "no image that both get right, attacked with success"
        elif middle == np.inf:
            reason = "more than half of the images are not fooled at any distortion that was tried"
        found.append(
            {
                "row": source, "column": victim, "unit": "RMS per pixel", "seed": seed,
                "n": len(distances), "value": middle if np.isfinite(middle) else np.nan,
                "low": low, "high": high if np.isfinite(high) else np.nan,
                "interval": "median", "reason": reason,
            }
        )  # fmt: skip
    values = pd.DataFrame(found)
    missing = values.groupby(["row", "column"])["value"].transform(lambda v: v.isna().any())
    values.loc[missing, "value"] = np.nan  # a mean over the other networks would be too small
    return cells(over_seeds(values, ["row", "column", "unit"]), labels, None)
