"""Rate of false confirmations: how often a rule says "holds" where its claim is at its margin.

The cells of a claim are shifted together, rates no farther than to 0 or 100%, until their reduced
figure is the margin exactly, drawn again with the errors that their intervals imply, and judged by
the whole rule. A true figure on the margin is the hardest of those that a claim must not hold for;
a rule says "holds" there in at most `statistics.TAIL` of cases, and exactly that often for a single
cell with Student's interval.

Intervals are taken at their word: what is resampled is the standard error that an interval implies,
so that the rates say whether the rule is right if the intervals are, and not whether they are. As
the cells are shifted together they keep their spacing; where several are reduced, others may be
harder. Cells are drawn independently of each other. Dependence is not simulated; the bound of
`report.reductions` holds with any.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from blindspots.randomness import derived_seed
from blindspots.report.reductions import Cells, reduced
from blindspots.report.verdicts import Verdict, margins
from blindspots.statistics import TAIL

DRAWS = 10_000
CLOSE, BISECTIONS = 1e-9, 60
"""Largest distance of a shifted figure from the wanted one, and steps of the search for it."""

DIFFERENCES = ("points", "% points")
"""Units of figures that are differences of two errors."""


class Rates(NamedTuple):
    """Shares of draws in which a rule says "holds" although it must not.

    Attributes:
        at_margin: with the true figure at the margin.
        equal_arms: with a true difference of 0; NaN for a figure that is no difference, or if the
            claim holds for equal arms.
    """

    at_margin: float
    equal_arms: float


def rates(verdict: Verdict, draws: int = DRAWS) -> Rates:
    """Return the rates of false confirmations of a claim's rule; NaN if it had no interval.

    The draws depend on the claim's sentence alone.

    Args:
        verdict: verdict on the claim.
        draws: number of draws of each rate.
    """
    if not verdict.arms:
        return Rates(np.nan, np.nan)
    claim = verdict.claim
    sign, margin, _ = margins(claim)
    is_difference = len(verdict.arms) > 1 or verdict.unit in DIFFERENCES

    def rate(truth: float) -> float:
        start = derived_seed(0, f"false confirmations/{claim['claim']}/{truth:g}")
        return false_rate(
            verdict.arms[0], verdict.arms[1] if verdict.arms[1:] else None, claim["reduction"],
            sign=sign, margin=margin, truth=truth, generator=np.random.default_rng(start),
            draws=draws,
        )  # fmt: skip

    equal = rate(0.0) if is_difference and sign * margin > 0 else np.nan
    return Rates(rate(margin), equal)


def false_rate(
    cells: Cells,
    less: Cells | None,
    reduction: str,
    *,
    sign: int,
    margin: float,
    truth: float,
    generator: np.random.Generator,
    draws: int = DRAWS,
) -> float:
    """Return the share of draws in which a rule says "holds".

    Args:
        cells: (k,) cells of the claim.
        less: cells whose figure is subtracted.
        reduction: a key of `reductions.REDUCTIONS`.
        sign: 1 if the figure should be at least the margin, -1 if at most.
        margin: margin with which the claim holds.
        truth: true figure from which the cells are drawn.
        generator: source of the draws.
        draws: number of draws.

    Returns:
        The share; NaN if a cell has no interval, or if no shift gives the true figure.
    """
    every = [part for part in (cells, less) if part is not None]
    if np.isnan([end for part in every for end in part.ends()]).any():
        return np.nan
    moved = shifted(cells, less, reduction, truth)
    if moved is None:
        return np.nan
    drawn = redrawn(moved, generator, draws)
    found = reduced(drawn, less and redrawn(less, generator, draws), reduction)
    confirms = found.low >= margin if sign > 0 else found.high <= margin
    return float(confirms.mean())


def shifted(cells: Cells, less: Cells | None, reduction: str, truth: float) -> Cells | None:
    """Return cells, shifted together within their bounds, whose reduced figure is `truth`.

    Args:
        cells: (k,) cells.
        less: cells whose figure is subtracted.
        reduction: a key of `reductions.REDUCTIONS`.
        truth: wanted figure.

    Returns:
        The cells; None if no shift gives the figure.
    """

    def by(shift: float) -> Cells:
        value = np.clip(cells.value + shift, *cells.bounds)
        change = value - cells.value
        return cells._replace(value=value, low=cells.low + change, high=cells.high + change)

    def missing(shift: float) -> float:
        return truth - float(reduced(by(shift), less, reduction).value)

    shift = missing(0.0)
    if abs(missing(shift)) > CLOSE:  # a cell is at its bound, and the others have to go farther
        low, high = -np.ptp(cells.bounds), np.ptp(cells.bounds)
        for _ in range(BISECTIONS):
            shift = (low + high) / 2
            low, high = (shift, high) if missing(shift) > 0 else (low, shift)
    return by(shift) if abs(missing(shift)) <= CLOSE else None


def redrawn(cells: Cells, generator: np.random.Generator, draws: int) -> Cells:
    """Return cells (draws, k) as other networks or images would give them if `cells` were true.

    Counts are binomial. Other figures are normal, with the standard error that their interval
    implies, and the width of their interval varies as that of a sample of as many. A rate at its
    bound does not vary, and one outside is moved there.

    Args:
        cells: (k,) cells, whose figures are taken for the true ones.
        generator: source of the draws.
        draws: number of draws.
    """
    size = draws, len(cells.value)
    true = np.clip(cells.value, *cells.bounds)
    half = np.maximum(cells.value - cells.low, cells.high - cells.value)
    error = half / special.stdtrit(cells.freedom, 1 - TAIL)
    error = np.where(np.isin(true, cells.bounds), 0, error)
    normal = true + error * generator.standard_normal(size)
    freedom = np.where(np.isfinite(cells.freedom), cells.freedom, 1)
    spread = np.sqrt(generator.chisquare(freedom, size) / freedom)
    spread = np.where(np.isfinite(cells.freedom), spread, 1)
    trials = np.nan_to_num(cells.trials).astype(int)
    counts = generator.binomial(trials, np.clip(true / 100, 0, 1), size)
    is_count = trials > 0
    value = np.where(is_count, 100 * counts / np.maximum(trials, 1), normal)
    value = np.clip(value, *cells.bounds)
    low, high = (np.clip(value + end * spread * half, *cells.bounds) for end in (-1, 1))
    return cells._replace(value=value, low=low, high=high)
