"""A second implementation of the threat model, in plain NumPy: outcomes and lengths."""

from __future__ import annotations

import numpy as np

NORMS = ("l0", "l0_features", "l1", "l2", "linf")
REJECTED = -1
"""Recorded answer if the net answers beyond the classes; NaN: no answer."""


def lengths(change: np.ndarray) -> dict[str, np.ndarray]:
    """Return the lengths (n,) of changes (n, channels, …) or (n, d), by norm; L0 counts pixels."""
    flat = change.reshape(len(change), -1)
    pixels = change.reshape(len(change), change.shape[1], -1) if change.ndim > 2 else flat[:, None]
    return {
        "l0": (pixels != 0).any(axis=1).sum(axis=1).astype(float),
        "l0_features": (flat != 0).sum(axis=1).astype(float),
        "l1": np.abs(flat).sum(axis=1),
        "l2": np.linalg.norm(flat, axis=1),
        "linf": np.abs(flat).max(axis=1),
    }


def outcomes(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the outcomes (n,) of answers (n,): RIGHT, WRONG or REJECTED; None for NaN."""
    found = np.where(answers == labels, "RIGHT", "WRONG").astype(object)
    found[answers == REJECTED], found[np.isnan(answers)] = "REJECTED", None
    return found


def follows(radius: float, proved: str, norm: str, reach: np.ndarray) -> tuple[float, float]:
    """Return the radius in another norm that a proved one implies, rounded down.

    Args:
        radius: at least 0.
        proved: norm of the radius.
        norm: the other norm.
        reach: (channels, …) or (d,), the largest change of each feature in the box.

    Returns:
        Two ends between which the bound lies; NaN if nothing is implied.
    """
    m, order = reach.size, ("linf", "l2", "l1")
    if proved == norm or (proved, norm) == NORMS[:2]:
        return radius, radius
    if proved == "l0":
        return np.nan, np.nan
    if norm in order:
        root = {0: 1.0, 1: m**0.5, 2: float(m)}[max(order.index(proved) - order.index(norm), 0)]
        return radius / root * (1 - 1e-12), radius / root if root > 1 else radius
    each = (
        reach.reshape(len(reach), -1) if norm == "l0" and reach.ndim > 1 else reach.reshape(1, -1)
    )
    power = {"l1": each.sum(0), "l2": np.sqrt(np.square(each).sum(0)), "linf": each.max(0)}[proved]
    longest = np.sort(power)[::-1]
    if proved == "linf":
        far = np.maximum.accumulate(longest)
    else:
        far = np.sqrt(np.square(longest).cumsum()) if proved == "l2" else longest.cumsum()
    low, high = (_count(far, radius * share) for share in (1 - 1e-9, 1 + 1e-12))
    return low, high


def _count(far: np.ndarray, radius: float) -> float:
    """Return the smallest number k such that the k largest changes reach a radius."""
    if radius == 0:
        return 0.0
    short = int((far < radius).sum())
    return np.inf if short == len(far) or np.isinf(radius) else short + 1.0
