"""Intervals of 95% for the tables, and comparisons of two sets of answers to the same images.

Rates on one network get Wilson's interval, means over networks Student's t. A percentile bootstrap
over 3 to 5 networks covers 75 to 84% and is not used. Where all draws are equal Student's interval
would have no width, and an exact one is used (`of_images`, `exact`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from scipy import special

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
"""Share of cases in which an interval lies wholly below, and above, what it should contain."""


FEWEST = 3
"""Least number of networks for which the interval of a mean is shown and judged by: of two, with
one degree of freedom, Student's interval is 12.7 times as wide as their difference."""


class Interval(NamedTuple):
    """Lower and upper end."""

    low: float
    high: float


NONE = Interval(np.nan, np.nan)


def rounding(figure: float | str) -> float:
    """Half a unit of the last printed digit of a figure: 0.05 for 11.7, 0.5 for 10."""
    return 0.5 * 10.0 ** int(Decimal(str(figure)).as_tuple().exponent)


def wilson(count: float, n: float) -> Interval:
    """Wilson interval for a binomial rate, `count` out of `n` (Wilson 1927)."""
    if n == 0:
        return NONE
    z, rate = special.ndtri((1 + CONFIDENCE) / 2), count / n
    middle = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At either end the two are equal but for rounding.
    low = 0.0 if count == 0 else max(0.0, float(middle - half))
    return Interval(low, 1.0 if count == n else min(1.0, float(middle + half)))


def clopper_pearson(
    counts: np.ndarray, n: np.ndarray, tail: float = TAIL
) -> tuple[np.ndarray, np.ndarray]:
    """Exact intervals for binomial rates, each from `counts` successes in `n` trials.

    Clopper and Pearson 1934: each end is on the wrong side of the rate in at most the share `tail`
    of cases, however small the rate is.

    Args:
        counts: (…, k) successes.
        n: (k,) trials, independent and with the same rate.
        tail: largest probability that an end is on the wrong side of the rate.

    Returns:
        (…, k) lower and (…, k) upper ends; NaN where there are no trials.
    """
    counts, n = np.asarray(counts, float), np.asarray(n, float)
    low = special.betaincinv(counts, n - counts + 1, tail)
    high = special.betaincinv(counts + 1, n - counts, 1 - tail)
    low, high = np.where(counts == 0, 0.0, low), np.where(counts == n, 1.0, high)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def exact(rate: float, n: float) -> Interval:
    """Interval of `clopper_pearson` for a rate seen in n independent trials."""
    low, high = clopper_pearson(np.array([rate * n]), np.array([n]))
    return Interval(float(low[0]), float(high[0]))


def rates_seen(low: float, high: float, n: int) -> Interval:
    """Interval that has the rate seen in n independent trials in a share `CONFIDENCE` of cases.

    Its ends are quantiles of the binomial.

    Args:
        low: least possible rate behind the trials.
        high: largest possible rate.
        n: number of trials.
    """
    from scipy import stats  # slow to import, and few jobs need it

    tail = (1 - CONFIDENCE) / 2
    ends = stats.binom.ppf(tail, n, low), stats.binom.ppf(1 - tail, n, high)
    return Interval(*(float(end / n) for end in ends))


def student(values: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Student interval for the mean of a normal variable from independent draws; NaN below two."""
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return NONE
    t = special.stdtrit(len(values) - 1, (1 + confidence) / 2)
    half = t * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(float(values.mean() - half), float(values.mean() + half))


def of_images(
    values: np.ndarray, least: float, largest: float, confidence: float = CONFIDENCE
) -> Interval:
    """Interval for the mean of independent draws between two bounds, such as one per image.

    It is Student's. If all n draws are equal, others have a probability of at most
    u = 1 − 0.025^(1/n) (`clopper_pearson` of 0 in n) and may lie at either bound: the interval then
    reaches from u of the way to `least` to u of the way to `largest`. For a rate of 0 or 1 this is
    Clopper and Pearson's. NaN below two draws.

    Args:
        values: (n,) draws.
        least: smallest possible value.
        largest: largest possible value.
        confidence: confidence of the interval.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2 or np.ptp(values) > 0:
        return student(values, confidence)
    value, others = float(values[0]), 1 - ((1 - confidence) / 2) ** (1 / len(values))
    return Interval(value + others * (least - value), value + others * (largest - value))


def least_mean(
    samples: Sequence[np.ndarray], bounds: tuple[float, float] | None = None
) -> Interval:
    """Interval for the least of several means, from independent draws of each.

    The upper end is the least upper end of intervals of 1 − 0.05 / k for k means (Bonferroni, the
    first step of Holm's test that some mean is below a bound). The lower end is the least lower end
    of intervals of 95%: to be above the least mean, it must be above that mean's own lower end, so
    no correction is needed (the intersection–union test that all means are above a bound). NaN if
    any is NaN.

    Args:
        samples: draws of a normal variable, (n,) for each mean; they may depend on each other.
        bounds: least and largest possible value of a draw, for `of_images`; None: no bounds, and
            Student's intervals whatever the draws.
    """
    if not samples:
        return NONE

    def ends(confidence: float) -> np.ndarray:
        return np.array([
            student(values, confidence)
            if bounds is None
            else of_images(values, *bounds, confidence)
            for values in samples
        ])  # fmt: skip

    corrected = 1 - (1 - CONFIDENCE) / len(samples)
    return Interval(float(ends(CONFIDENCE)[:, 0].min()), float(ends(corrected)[:, 1].min()))


def largest_mean(samples: Sequence[np.ndarray]) -> Interval:
    """Interval for the largest of several means, see `least_mean`."""
    high, low = least_mean([-np.asarray(values, float) for values in samples])
    return Interval(-low, -high)


def student_p(values: np.ndarray) -> float:
    """Two-sided p value of Student's test that a mean is 0.

    NaN below two draws, and where all are equal: a few equal draws do not prove that all are.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2 or np.ptp(values) == 0:
        return np.nan
    mean, error = float(values.mean()), values.std(ddof=1) / np.sqrt(len(values))
    return float(2 * special.stdtr(len(values) - 1, -abs(mean) / error))


def holm(p: np.ndarray) -> np.ndarray:
    """P values (k,) corrected for their number, k.

    Holm 1979, "A simple sequentially rejective multiple test procedure": rejecting where they are
    at most 0.05 rejects any true hypothesis with probability at most 0.05, however the tests depend
    on each other. NaN stays, and does not count.
    """
    p = np.asarray(p, dtype=float)
    found, there = np.full(len(p), np.nan), np.flatnonzero(~np.isnan(p))
    order = there[np.argsort(p[there], kind="stable")]
    stepped = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    found[order] = np.minimum(stepped, 1)
    return found


def equivalence_p(values: np.ndarray, margin: float) -> float:
    """P value of the two one-sided t tests (TOST) that a mean is not within ± margin.

    Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach":
    the larger of the two; NaN from fewer than two values, and where all are equal, as for
    `student_p`.

    Args:
        values: independent draws of a normal variable, such as a difference on each network.
        margin: margin that was fixed before the values were known.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2 or np.ptp(values) == 0:
        return np.nan
    error = values.std(ddof=1) / np.sqrt(len(values))
    inside = margin - abs(float(values.mean()))
    return float(special.stdtr(len(values) - 1, -inside / error))


def randomisation_p(value: float, draws: np.ndarray) -> float:
    """Two-sided P value of a statistic among its values under random rotations or similar draws.

    (1 + the draws as far from the middle) / (1 + draws): Phipson and Smyth 2010, "Permutation
    P-values should never be zero". The middle is the mean of all, including the value, so that it
    treats all equally, and the test is exact. NaN without draws.
    """
    if len(draws) == 0:
        return np.nan
    middle = (draws.sum() + value) / (len(draws) + 1)
    return float((1 + (abs(draws - middle) >= abs(value - middle)).sum()) / (1 + len(draws)))


def paired(first: np.ndarray, second: np.ndarray) -> Interval:
    """Interval for the difference of two rates over the same images, `first` minus `second`.

    Agresti and Min 2005, "Simple improved confidence intervals for comparing matched proportions":
    Wald's interval after half an observation is added to each of the four kinds of pairs.

    Args:
        first: (n,) bool.
        second: (n,) bool.
    """
    n = len(first)
    if n == 0:
        return NONE
    only_first, only_second = (first & ~second).sum() + 0.5, (second & ~first).sum() + 0.5
    total = n + 2
    difference = (only_first - only_second) / total
    variance = (only_first + only_second - (only_first - only_second) ** 2 / total) / total**2
    half = special.ndtri((1 + CONFIDENCE) / 2) * np.sqrt(variance)
    return Interval(max(-1.0, float(difference - half)), min(1.0, float(difference + half)))


def mcnemar_p(first: np.ndarray, second: np.ndarray) -> float:
    """P value of McNemar's exact test that two rates over the same images are equal."""
    from statsmodels.stats.contingency_tables import mcnemar  # slow to import, and few jobs need it

    table = [
        [(first & second).sum(), (first & ~second).sum()],
        [(~first & second).sum(), (~first & ~second).sum()],
    ]
    return float(mcnemar(np.array(table), exact=True).pvalue)


def median(values: np.ndarray) -> Interval:
    """Interval for the median by order statistics: exact for any continuous distribution.

    Infinite values are allowed, for distances that were not reached.
    """
    from scipy import stats  # slow to import, and few jobs need it

    ordered, n = np.sort(values), len(values)
    low = int(stats.binom.ppf((1 - CONFIDENCE) / 2, n, 0.5)) if n else 0
    if n == 0 or low < 1:
        return NONE
    return Interval(float(ordered[low - 1]), float(ordered[n - low]))
