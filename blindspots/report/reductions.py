"""One figure from several cells, and an interval that holds for it whatever the cells share.

A cell's interval misses its true value on either side in at most the share `statistics.TAIL` of
cases. Let the r-th smallest of k true values be wanted. If it lies below the r-th smallest lower
end, at least one of the r cells with the smallest true values lies below its own, since only r − 1
lower ends are smaller. So the r-th smallest of lower ends that each miss in at most TAIL / r of
cases misses in at most TAIL, however the cells depend on each other; likewise the r-th smallest
of upper ends that miss in TAIL / (k − r + 1). The least of k keeps its lower end (r = 1), as for a
claim about every cell (the intersection–union test, Berger 1982), but its upper end must allow for
k; the largest is its mirror image. The median lies between these (the partial conjunctions of
Benjamini and Heller 2008): with an even k all k / 2 + 1 cells up to the upper of the two middle
ones must be covered.

The ends of a mean are the means of ends. A standard deviation is a norm, so that of a mean or a
difference is at most the mean or the sum of the cells' own, whatever they have in common.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from blindspots import statistics
from blindspots.analyses.kit import RATES
from blindspots.statistics import TAIL

REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "one": np.mean, "least": np.min, "median": np.median, "largest": np.max, "mean": np.mean,
}  # fmt: skip

BINOMIAL = ("wilson", "exact")
"""Kinds of intervals of rates that are counts of independent trials."""


def corrections(reduction: str, k: int) -> tuple[int, int]:
    """Return the numbers of cells that the lower and the upper end must allow for.

    Args:
        reduction: a key of `REDUCTIONS`.
        k: number of cells.
    """
    middle = k // 2 + 1
    return {"least": (1, k), "median": (middle, middle), "largest": (k, 1)}.get(reduction, (1, 1))


class Cells(NamedTuple):
    """Figures of some cells, with 95% intervals that can be made wider.

    Attributes:
        value: (…, k) figures.
        low: (…, k) lower ends; NaN: no interval.
        high: (…, k) upper ends.
        freedom: (k,) degrees of freedom of Student's interval; infinite: normal, or not known.
        trials: (k,) trials behind a rate in percent; NaN: not a count.
        equal: (k,) images behind an interval of draws that are all equal; NaN: they are not.
        bounds: least and largest possible figure.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    freedom: np.ndarray
    trials: np.ndarray
    equal: np.ndarray
    bounds: tuple[float, float]

    def ends(self, tail: float = TAIL) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends (…, k) that each miss in at most the share `tail` of cases.

        Counts get Clopper and Pearson's exact interval, others their own, with half widths in
        proportion to Student's t.
        """
        low, high = self.low, self.high
        if tail != TAIL:
            growth = self._growth(tail)
            low = np.maximum(self.value - growth * (self.value - low), self.bounds[0])
            high = np.minimum(self.value + growth * (high - self.value), self.bounds[1])
        counts = self.value / 100 * self.trials
        exact = statistics.clopper_pearson(counts, self.trials, tail)
        is_count = np.isfinite(self.trials)
        return np.where(is_count, 100 * exact[0], low), np.where(is_count, 100 * exact[1], high)

    def _growth(self, tail: float) -> np.ndarray:
        """Factor (k,) on half widths; of n equal draws others have a share of 1 − tail^(1/n)."""
        student = special.stdtrit(self.freedom, 1 - tail) / special.stdtrit(self.freedom, 1 - TAIL)
        exact = -np.expm1(np.log(tail) / self.equal) / -np.expm1(np.log(TAIL) / self.equal)
        return np.where(np.isfinite(self.equal), exact, student)

    def only(self) -> Cells:
        """The mean of the cells, as a single cell without what would widen its interval."""
        low, high = (end.mean(axis=-1, keepdims=True) for end in self.ends())
        none = np.full(1, np.nan)
        value = self.value.mean(axis=-1, keepdims=True)
        return Cells(value, low, high, np.full(1, np.inf), none, none, self.bounds)


def cells_of(table: pd.DataFrame) -> Cells:
    """Return the cells in some rows of a result table (`analyses.kit.SCHEMA`), all of one unit."""
    value, low, high, n = (table[name].to_numpy(float) for name in ("value", "low", "high", "n"))
    kind, networks = table["interval"].to_numpy(object), table["networks"].to_numpy(float)
    is_rate = table["unit"].isin(RATES).to_numpy()
    over_images = np.where(kind == "images", n - 1, np.inf)
    freedom = np.where(kind == "student", networks - 1, over_images)
    return Cells(
        value, low, high, np.where(freedom > 0, freedom, np.inf),
        trials=np.where(is_rate & np.isin(kind, BINOMIAL) & (n > 0), n, np.nan),
        equal=np.where(~is_rate & (kind == "exact") & (n > 0), n, np.nan),
        bounds=(0.0, 100.0) if is_rate.all() else (-np.inf, np.inf),
    )  # fmt: skip


class Reduced(NamedTuple):
    """Figures (…) of reduced cells, and their intervals; NaN where a cell has none."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def reduced(cells: Cells, less: Cells | None, reduction: str) -> Reduced:
    """Return the least, the median, the largest or the mean of some cells, or of differences.

    Args:
        cells: (…, k) cells.
        less: the cell that is subtracted from each, or as many as there are `cells`; for the mean
            also another number, whose mean is subtracted.
        reduction: a key of `REDUCTIONS`; "one" expects one cell.
    """
    k = cells.value.shape[-1]
    if less is not None and less.value.shape[-1] not in (1, k):
        less = less.only()
    reduce = REDUCTIONS[reduction]

    def end(side: int, allowed_for: int) -> np.ndarray:
        tail = TAIL / allowed_for
        its = cells.ends(tail)[side]
        return reduce(its - (less.ends(tail)[1 - side] if less is not None else 0), axis=-1)

    value = reduce(cells.value - (less.value if less is not None else 0), axis=-1)
    for_low, for_high = corrections(reduction, k)
    return Reduced(value, end(0, for_low), end(1, for_high))
