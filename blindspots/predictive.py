"""Predictive probabilities of the figures that a paper prints, given a run of our own.

A printed figure is a value, a share of N images in percent or a length, cut to its digits: rounded,
or truncated. The distribution of the value in another run of the same experiment thus gives every
printable figure a probability, and these add up to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy import signal, special

from blindspots.statistics import CONFIDENCE

AtMost: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Distribution function of a count: from counts (k,) to the probabilities of at most as many."""

TAIL, REACH = 1e-12, 7.0
"""Probability beyond each end of a grid, and as many standard deviations of a normal variable."""

STEP, WIDEST = 0.7, 0.4
"""Step of a grid of logits: in standard deviations of the narrowest density on it, and at most."""

BLOCK = 2**22
"""Most entries of a matrix of counts and logits."""

LONGEST = 1.0
"""Upper end of the flat distribution of lengths: RMS per pixel of images in [0, 1]."""


class Prints(NamedTuple):
    """Probabilities of the printable figures 0, unit, 2 · unit, …, m · unit.

    Attributes:
        decimals: digits behind the point.
        below: (2 m + 4,) probabilities of a value below i · unit / 2, for i from -1.
        flat: the same for a flat distribution of the value.
    """

    decimals: int
    below: np.ndarray
    flat: np.ndarray

    def probabilities(self, truncated: float, outliers: float = 0.0) -> np.ndarray:
        """Probabilities (m + 1,) of the figures.

        Args:
            truncated: share of figures that are truncated instead of rounded.
            outliers: share of the flat distribution that is mixed in.
        """
        mixed = (1 - outliers) * self.below + outliers * self.flat
        rounded, cut = mixed[2:-1:2] - mixed[:-2:2], mixed[3::2] - mixed[1:-1:2]
        return (1 - truncated) * rounded + truncated * cut

    def place(self, figure: float, truncated: float) -> int:
        """Number of a figure among the printable ones; the nearest, if no count is printed so."""
        possible = np.flatnonzero(self.probabilities(truncated, outliers=1.0))
        return int(possible[abs(possible - round(figure * 10**self.decimals)).argmin()])

    def inside(self, truncated: float) -> np.ndarray:
        """Indicator (m + 1,) of figures whose values lie in the central 95% of the distribution.

        Args:
            truncated: share of figures that are truncated instead of rounded.
        """
        low = self.below[:-3:2]
        high = self.below[3::2] if truncated else self.below[2:-1:2]
        tail = (1 - CONFIDENCE) / 2
        return np.asarray((high >= tail) & (low < 1 - tail))

    def is_inside(self, figure: float, truncated: float) -> bool:
        """Return whether a value that is printed so lies in the central 95% of the distribution."""
        return bool(self.inside(truncated)[self.place(figure, truncated)])


def decimals_of(figure: float) -> int:
    """Return the number of printed digits behind the point: 1 for 11.7, 0 for 10."""
    return max(0, -int(Decimal(str(figure)).as_tuple().exponent))


def of_counts(at_most: AtMost, n: int, decimals: int) -> Prints:
    """Figures of a share in percent, from the distribution of its count.

    Args:
        at_most: distribution function of the count.
        n: number of images.
        decimals: printed digits behind the point.
    """
    edges = np.arange(-1, 2 * 100 * 10**decimals + 3)
    fewer = np.clip(-(-edges * n // (200 * 10**decimals)), 0, n + 1)  # number of counts below
    counts, place = np.unique(fewer - 1, return_inverse=True)
    below = np.maximum.accumulate(np.clip(at_most(counts), 0, 1))  # but for rounding it is so
    return Prints(decimals, below[place], fewer / (n + 1))


def of_length(value: float, error: float, freedom: float, decimals: int) -> Prints:
    """Figures of an average length, by Student's distribution around our own.

    Args:
        value: our average; NaN: there is none, and every figure has probability 0.
        error: standard error of the difference of two such averages.
        freedom: degrees of freedom.
        decimals: printed digits behind the point.
    """
    edges = np.arange(-1, 2 * int(LONGEST * 10**decimals) + 3) / (2 * 10**decimals)
    flat = np.clip(edges / LONGEST, 0, 1)
    if np.isnan(value):
        return Prints(decimals, np.zeros(len(edges)), flat)
    if error > 0:
        below = special.stdtr(freedom, (edges - value) / error)
    else:
        below = (edges > value).astype(float)
    return Prints(decimals, np.where(edges <= 0, 0.0, np.where(edges > LONGEST, 1.0, below)), flat)


def count_among(n: int, wrong: Sequence[int], shown: Sequence[int], spread: float) -> AtMost:
    """Distribution of the number of errors of another net on n other images.

    The number is binomial. The logit of its rate has the posterior of Jeffreys' prior given our
    images, and varies around it with the spread between nets, both of ours and of the other one.
    Without spread it is the beta-binomial distribution.

    At most k of n are wrong with the probability that the rate is below a variable with density
    Beta(k + 1, n - k). Sums over a grid of logits replace the integrals over this density and over
    the spread; they are of analytic functions that vanish at both ends, and so exact to about 1e-9.

    Args:
        n: number of images.
        wrong: errors of each of our nets.
        shown: images shown to each.
        spread: standard deviation of the logit of the rate between nets.
    """
    errors, rights = sum(wrong) + 0.5, sum(shown) - sum(wrong) + 0.5
    deviation = spread * np.sqrt(1 + 1 / len(wrong))
    ends = _logits_between(errors, rights) + REACH * deviation * np.array([-1, 1])
    rates = special.expit(ends)
    slack = REACH * np.sqrt(n * rates * (1 - rates)) + 30
    first = int(max(0, n * rates[0] - slack[0]))
    last = int(min(n - 1, n * rates[1] + slack[1]))

    low, _ = _logits_between(first + 1, n - first)
    _, high = _logits_between(last + 1, n - last)
    middle = np.clip(0.5, *rates)  # where the logit of a share of n varies least
    precision = errors * rights / (errors + rights) + n * middle * (1 - middle)
    step = min(WIDEST, STEP / np.sqrt(precision))
    logits = np.arange(low, high + step, step)
    below = _rate_below(logits, step, errors, rights, deviation)

    def at_most(counts: np.ndarray) -> np.ndarray:
        found = (counts >= first).astype(float)
        inside = np.flatnonzero((counts >= first) & (counts <= last))
        for some in np.array_split(inside, 1 + len(inside) * len(logits) // BLOCK):
            few = counts[some, None]
            density = (few + 1) * special.log_expit(logits) + (n - few) * special.log_expit(-logits)
            density = np.exp(density - density.max(axis=1, keepdims=True))
            found[some] = density @ below / density.sum(axis=1)
        return found

    return at_most


def _logits_between(a: float, b: float) -> np.ndarray:
    """Logits (2,) between which a variable with density Beta(a, b) lies, but for `TAIL` each."""
    low, high = special.betaincinv([a, b], [b, a], TAIL)
    return special.logit([low, high]) * [1, -1]


def _rate_below(
    logits: np.ndarray, step: float, errors: float, rights: float, deviation: float
) -> np.ndarray:
    """Return the probabilities (k,) that the logit of a rate is below each of a grid of logits.

    Args:
        logits: (k,) the grid.
        step: its step.
        errors: first parameter of the rate's Beta density.
        rights: second parameter.
        deviation: standard deviation of a normal variable that is added to the logit.
    """
    reach = int(np.ceil(REACH * deviation / step))
    around = step * np.arange(-reach, reach + 1)
    grid = np.concatenate([logits[0] + around[:reach], logits, logits[-1] + around[reach + 1 :]])
    below = special.betainc(errors, rights, special.expit(grid))
    if not reach:
        return below
    weights = np.exp(-0.5 * np.square(around / deviation))
    return signal.fftconvolve(below, weights / weights.sum(), mode="valid")


def count_on_same_images(wrong: Sequence[int], shown: Sequence[int], spread: float) -> AtMost:
    """Distribution of the number of errors of another net on the same images.

    Its logit is normal around that of our nets: no images are drawn, and nets that always come out
    the same, as those of a convex loss, have the same number.

    Args:
        wrong: errors of each of our nets.
        shown: images shown to each, the same number.
        spread: standard deviation of the logit of the rate between nets.
    """
    n = shown[0]
    deviation = max(spread * np.sqrt(1 + 1 / len(wrong)), 1e-12)
    centre = np.mean(logits_of(np.asarray(wrong), np.asarray(shown)))

    def at_most(counts: np.ndarray) -> np.ndarray:
        ends = special.logit(np.clip((counts + 1) / (n + 1), 0, 1))  # between two counts
        return special.ndtr((ends - centre) / deviation)

    return at_most


def logits_of(wrong: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Logits of rates, with half an error more, and half a right answer: finite for all counts."""
    return np.log((wrong + 0.5) / (shown - wrong + 0.5))


def average(values: np.ndarray, how: str) -> tuple[float, float]:
    """Return an average of lengths, and its variance times their number.

    Args:
        values: (n,) lengths, at least two.
        how: "mean", or "pooled" for the root of the mean square, whose variance is that of the
            squares by the delta method.
    """
    if how == "mean":
        return float(values.mean()), float(values.var(ddof=1))
    squares = np.square(values)
    root = float(np.sqrt(squares.mean()))
    return root, float(squares.var(ddof=1)) / (4 * root**2) if root else 0.0


def length_among(
    n: int, by_net: Sequence[np.ndarray], how: str, spread: float
) -> tuple[float, float, int]:
    """Return value, error and degrees of freedom of `of_length`, for another net and n images.

    Args:
        n: number of images of the other average.
        by_net: lengths of each of our nets' perturbations; two at least in all, or NaN comes back.
        how: see `average`.
        spread: standard deviation between nets, as a share of the average.
    """
    values = np.concatenate([np.empty(0), *by_net])
    if len(values) < 2:
        return np.nan, np.nan, 1
    value, variance = average(values, how)
    variance = variance * (1 / len(values) + 1 / n) + (value * spread) ** 2 * (1 + 1 / len(by_net))
    return value, float(np.sqrt(variance)), len(values) - 1


def between_nets(cells: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """Standard deviation between nets of a quantity, pooled over cells by moments.

    DerSimonian and Laird 1986, "Meta-analysis in clinical trials", with the sums over all cells:
    what the values of a cell vary beyond the variance that each has by itself.

    Args:
        cells: values (nets,) of each cell, and the variance of each by its images; 0: none.

    Returns:
        The standard deviation; 0 if the values vary less than their images alone make them.
    """
    beyond = scale = 0.0
    for values, variances in cells:
        weights = 1 / np.maximum(variances, 1e-12)
        mean = np.average(values, weights=weights)
        beyond += float(weights @ np.square(values - mean)) - (len(values) - 1)
        scale += float(weights.sum() - np.square(weights).sum() / weights.sum())
    return float(np.sqrt(max(0.0, beyond / scale))) if scale > 0 else 0.0
