"""Outcome of a check: rows that were checked, rows that could not be, the largest discrepancy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from blindspots.audit.files import AuditError, Claim

TIE = 1e-5
"""Relative margin, over the largest logit, below which float32 and float64 may disagree."""

REMEDY = "if a file was changed, delete it and run the workflow again; otherwise report a bug"


class Check:
    """One check of one net.

    Attributes:
        name: name of the check.
        checked: number of rows that it checked.
        reasons: number of rows that it could not check, by reason.
        discrepancy: the largest one, in the check's own measure; None: the check measures none.
    """

    def __init__(self, name: str) -> None:
        self.name, self.checked = name, 0
        self.reasons: Counter[str] = Counter()
        self.discrepancy: float | None = None

    def passed(self, rows: int, discrepancies: Iterable[float] = ()) -> None:
        """Count correct rows, and keep the largest of their discrepancies."""
        self.checked += rows
        known = [] if self.discrepancy is None else [self.discrepancy]
        self.discrepancy = max([*known, *map(float, discrepancies)], default=None)

    def add(self, other: Check) -> None:
        """Add the rows of another check."""
        self.passed(other.checked, [] if other.discrepancy is None else [other.discrepancy])
        self.reasons += other.reasons

    def left_out(self, rows: int, reason: str) -> None:
        """Count rows that could not be checked."""
        if rows:
            self.reasons[reason] += rows


def disagreement(claim: Claim, what: str, expected: object, found: object) -> AuditError:
    """Return an error about a net's record of an image."""
    return AuditError(
        f"audit: {claim.dataset}: net {claim.net} (seed {claim.seed}), image {claim.image} of "
        f"{claim.file}: {what}: expected {expected}, found {found}; {REMEDY}"
    )


def ties(logits: np.ndarray, roundings: np.ndarray) -> np.ndarray:
    """Return the relative margins (n,) below which float32 and float64 may give different answers.

    They are `TIE` plus the rounding of the last layer, which may be larger if its terms cancel.

    Args:
        logits: (n, classes).
        roundings: (n, classes) bounds on the rounding of the logits, see `Network.rounded`.
    """
    scale = np.maximum(np.abs(logits).max(axis=1), np.finfo(np.float64).tiny)
    return TIE + 2 * roundings.max(axis=1) / scale


def relative_margins(logits: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    """Return (n,) the best accepted logit minus the best other, over the largest absolute logit.

    Args:
        logits: (n, classes).
        accepted: (n, classes) bool, the classes that are accepted as the answer.
    """
    inside = np.where(accepted, logits, -np.inf).max(axis=1)
    outside = np.where(accepted, -np.inf, logits).max(axis=1)
    scale = np.abs(logits).max(axis=1)
    return (inside - outside) / np.maximum(scale, np.finfo(np.float64).tiny)
