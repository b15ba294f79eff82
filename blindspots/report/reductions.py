"""Reduction of several cells to one figure, with an interval that covers it.

The end of a cell's interval is on the wrong side of its true value in at most the share `TAIL` of
cases. The figures here keep that property, however the cells depend on each other:

* The least of k true values: the least lower end is wrong only if it lies above the least true
  value, and then the lower end of that one cell is wrong (intersection–union test: Berger 1982,
  "Multiparameter hypothesis testing and acceptance sampling"). The least upper end is wrong as soon
  as any cell's is, so that the cells' ends must be wrong in at most TAIL / k of cases (Bonferroni).
* The largest: the same with the sides exchanged.
* The r-th smallest: if its true value is below the r-th smallest lower end, one of the r cells with
  the smallest true values has a wrong lower end, as only r − 1 lower ends are smaller. So TAIL / r
  below, and TAIL / (k − r + 1) above (partial conjunction: Benjamini and Heller 2008, "Screening
  for partial conjunction hypotheses"). The median is the middle one; for even k it is the mean of
  two, and the ends of k / 2 + 1 cells must be right.
* The mean, and a difference: their ends are the means, and the differences, of the cells' ends. The
  standard deviation of a sum is at most the sum of the standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from blindspots import statistics
from blindspots.analyses.kit import RATES
from blindspots.statistics import FEWEST, TAIL

REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "one": np.mean, "least": np.min, "median": np.median, "largest": np.max, "mean": np.mean,
}  # fmt: skip

OVER_SEEDS, OVER_IMAGES = ("student", "extreme"), ("images", "extreme images")
"""Kinds of intervals by Student's t, with a degree of freedom less than networks, or images."""
BINOMIAL = ("wilson", "exact")
"""Kinds of intervals of rates that are counts of images."""
TRAININGS = "trainings"
"""Kind of intervals of rates that are counts of networks."""


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
    """Return the cells in some rows of a result table (`analyses.kit.SCHEMA`), all of one unit.

    Student's interval over fewer networks than `statistics.FEWEST` counts as none.
    """
    value, low, high, n = (table[name].to_numpy(float) for name in ("value", "low", "high", "n"))
    kind, networks = table["interval"].to_numpy(object), table["networks"].to_numpy(float)
    few = np.isin(kind, OVER_SEEDS) & (networks < FEWEST)
    low, high = np.where(few, np.nan, low), np.where(few, np.nan, high)
    is_rate = table["unit"].isin(RATES).to_numpy()
    over_images = np.where(np.isin(kind, OVER_IMAGES), n - 1, np.inf)
    freedom = np.where(np.isin(kind, OVER_SEEDS), networks - 1, over_images)
    trials = np.where(is_rate & np.isin(kind, BINOMIAL), n, np.nan)
    trials = np.where(kind == TRAININGS, networks, trials)
    return Cells(
        value, low, high, np.where(freedom > 0, freedom, np.inf),
        trials=np.where(trials > 0, trials, np.nan),
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
