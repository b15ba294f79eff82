"""Conversions of a proved radius from one norm to another.

With m features, ‖r‖∞ ≤ ‖r‖₂ ≤ ‖r‖₁, ‖r‖₂ ≤ √m ‖r‖∞ and ‖r‖₁ ≤ √m ‖r‖₂: a shorter ball in the wanted
norm lies within the proved one. How many pixels must change depends on how far each can be moved.
"""

from __future__ import annotations

import numpy as np

ORDER = ("linf", "l2", "l1")
"""The norms in the order of the length that they give a perturbation, the shortest first."""

COUNTS = ("l0", "l0_features")
"""Counts of the pixels that change, and of the features: a pixel's channels one by one."""

SLACK = 1e-12
"""Relative rounding of a sum in float64, with a wide margin."""


def converted(radius: np.ndarray, proved: str, wanted: str, features: int) -> np.ndarray:
    """Convert proved radii to another norm; NaN where none follows.

    Args:
        radius: (n,) float64; no image nearer than this is wrong.
        proved: norm in which the radii are proved, "l0" or a norm in `ORDER`.
        wanted: norm of the result, one of the same or "l0_features".
        features: number of features of an image.

    Returns:
        (n,) float64, rounded down unless the norms are equal.
    """
    if proved == wanted or (proved, wanted) == COUNTS:
        return radius.copy()
    if proved not in ORDER or wanted not in ORDER:
        return np.full(len(radius), np.nan)
    steps = ORDER.index(proved) - ORDER.index(wanted)  # each costs a factor of √m
    if steps <= 0:
        return radius.copy()
    factor = float(features) if steps == 2 else np.nextafter(np.sqrt(features), np.inf)
    return np.where(np.isinf(radius), radius, np.nextafter(radius / factor, 0))


def fewest(radius: np.ndarray, norm: str, reach: np.ndarray) -> np.ndarray:
    """Least number of pixels that must change for a perturbation to reach a proved radius.

    Args:
        radius: (n,) float64, proved in the norm.
        norm: a norm in `ORDER`.
        reach: (n, channels, pixels) largest change of each feature within the box; for the count
            of features (n, 1, features).

    Returns:
        (n,) float64 whole numbers; infinite where no image in the box is that far or the radius is
        infinite; NaN where the radius is NaN.
    """
    whole = {"l1": reach.sum(axis=1), "l2": np.square(reach).sum(axis=1), "linf": reach.max(axis=1)}
    longest = -np.sort(-whole[norm], axis=1)
    added = np.maximum if norm == "linf" else np.add
    reached = added.accumulate(longest, axis=1)
    power = 2 if norm == "l2" else 1
    short = (reached * (1 + SLACK) < radius[:, None] ** power).sum(axis=1)
    found = np.where(radius > 0, short + 1.0, 0.0)
    endless = np.isinf(radius) | (short == longest.shape[1])
    return np.where(np.isnan(radius), np.nan, np.where(endless, np.inf, found))
