"""Predictive probability of a printed figure, given what was counted or measured here.

A paper's net is another training, on the same images or others. Its rate of errors is uncertain by
our images and by the spread between trainings; its count among its own images is binomial; and of
its percentage the paper prints a few digits, rounded or cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil
from typing import NamedTuple

import numpy as np
from scipy import special

QUANTILES, NODES = 128, 21
"""Number of quantiles of a rate, and of nodes for the spread between nets, in the quadrature."""


TAIL = 0.025
"""Probability beyond either end of the central 95%."""


class Rates(NamedTuple):
    """Distribution of the error rate of another net, as nodes with weights that add up to 1."""

    rate: np.ndarray
    weight: np.ndarray


class Chance(NamedTuple):
    """Chance of a printed figure.

    Attributes:
        probability: predictive probability of the figure, as it is printed.
        inside: whether it meets the central 95% of the predictive distribution.
    """

    probability: float
    inside: bool


def unit(figure: float | str) -> float:
    """Return a unit of the last printed digit of a figure: 0.1 for 11.7, 1 for 10."""
    return 10.0 ** int(Decimal(str(figure)).as_tuple().exponent)


def other_net(counts: Sequence[int], trials: Sequence[int], spread: float = 0.0) -> Rates:
    """Return the distribution of another net's rate.

    The mean rate of the nets has Jeffreys' posterior, by all counts together. On the logit scale
    another net is off by a normal error, whose variance grows by one part in the number of nets, as
    their mean is off, too.

    Args:
        counts: successes of each net seen.
        trials: trials of each net.
        spread: standard deviation between nets on the logit scale.
    """
    total, n = sum(counts), sum(trials)
    share, equal = (np.arange(QUANTILES) + 0.5) / QUANTILES, np.full(QUANTILES, 1 / QUANTILES)
    rate = special.betaincinv(total + 0.5, n - total + 0.5, share)
    if spread == 0:
        return Rates(rate, equal)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    off = spread * np.sqrt(1 + 1 / len(counts)) * nodes
    rates = special.expit(special.logit(rate)[:, None] + off)
    return Rates(
        rates.ravel(), np.outer(np.full(QUANTILES, 1 / QUANTILES), weights / weights.sum()).ravel()
    )


def between_nets(counts: np.ndarray, trials: np.ndarray) -> float:
    """Return the standard deviation between nets on the logit scale, by moments.

    The variance of the nets' logits less that of their binomial errors, averaged over cells; 0 if
    it is negative.

    Args:
        counts: (cells, nets) successes.
        trials: (cells, nets) trials.
    """
    successes, failures = counts + 0.5, trials - counts + 0.5
    logits = np.log(successes / failures)
    excess = logits.var(axis=1, ddof=1) - (1 / successes + 1 / failures).mean(axis=1)
    return float(np.sqrt(max(0.0, excess.mean())))


def counts_printed(figure: float | str, n: int) -> tuple[int, int]:
    """Return the least and the largest count among n whose percentage is printed as a figure.

    A paper may round or cut off, so that percentages from half a unit below to one above count.
    Where no count has such a percentage, the nearest one stands for it.
    """
    step, value = Decimal(str(unit(figure))), Decimal(str(figure))
    low, high = (value - step / 2) * n / 100, (value + step) * n / 100
    least, most = ceil(low), ceil(high) - 1
    least, most = max(least, 0), min(most, n)
    if least > most:
        least = most = min(n, max(0, round(float(value) * n / 100)))
    return least, most


def of_rate(figure: float | str, n: int, rates: Rates, outliers: float = 0.0) -> Chance:
    """Return the chance of a printed percentage.

    Args:
        figure: the percentage, as printed.
        n: number of images that it is of.
        rates: distribution of the net's rate, see `other_net`.
        outliers: share of a flat distribution over all printable figures, so that no single figure
            that nothing explains decides alone.
    """
    least, most = counts_printed(figure, n)
    below = _cdf(least - 1, n, rates)
    up_to = _cdf(most, n, rates)
    flat = 1 / (100 / unit(figure) + 1)
    probability = (1 - outliers) * max(0.0, up_to - below) + outliers * flat
    return Chance(probability, up_to >= TAIL and 1 - below >= TAIL)


def _cdf(count: int, n: int, rates: Rates) -> float:
    """Return the probability of at most some count among n."""
    return float(rates.weight @ special.bdtr(count, n, rates.rate)) if count >= 0 else 0.0


def of_mean(
    figure: float | str, mean: float, error: float, freedom: float, outliers: float = 0.0
) -> Chance:
    """Return the chance of a printed mean between 0 and 1, such as a distortion.

    Args:
        figure: the mean, as printed, rounded.
        mean: our mean.
        error: standard deviation of the difference of the two means.
        freedom: degrees of freedom of `error`.
        outliers: share of a flat distribution, see `of_rate`.
    """
    half = unit(figure) / 2
    ends = np.array([float(figure) - half, float(figure) + half])
    below, up_to = special.stdtr(freedom, (ends - mean) / error)
    probability = (1 - outliers) * float(up_to - below) + outliers * 2 * half
    return Chance(probability, bool(up_to >= TAIL and 1 - below >= TAIL))
