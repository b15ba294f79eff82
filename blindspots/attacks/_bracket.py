"""Search for the largest weight c of the distance whose minimiser still reaches its goal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SHARE = 0.02
"""Least share of a bracket that a step leaves on either side."""


class Bracket:
    """A bracket of c for every image, on a log scale.

    c is multiplied or divided by `factor` until one weight reaches the goal and another misses it;
    then the Illinois rule (false position that halves the value of an end kept twice; Dowell and
    Jarratt 1971, BIT 11) looks for the weight at which the slack of the goal is 0.

    Attributes:
        ends: (n, 2) log of the largest c whose minimiser reached the goal, of the smallest whose
            did not; infinite, to either side, before there is one.
        slacks: (n, 2) by how much those minimisers reach the goal.
        missed_at: (n,) distance of the minimiser that misses: no larger c comes nearer.
        searches: (n,) int64, minimisations so far.
        decade: number of values in a factor of 10 that count as one search.
        tolerance: factor on the accuracy of a minimisation.
        is_from_above: whether c goes down from a value that misses, one by one.
    """

    decade, tolerance, is_from_above = 1, 1.0, False

    def __init__(self, like: Tensor, factor: float, precision: float, gap: float) -> None:
        """Open brackets, in float64.

        Args:
            like: (n,) float64, on the right device.
            factor: factor between two values of c until it is bracketed.
            precision: ratio of its ends at which a bracket is closed.
            gap: share by which the best success may be farther than the minimiser at the end that
                misses when a bracket is closed.
        """
        n = len(like)
        self.factor, self.precision, self.gap = math.log(factor), math.log(precision), gap
        self.ends = like.new_tensor([-torch.inf, torch.inf]).repeat(n, 1)
        self.slacks, self.missed_at = like.new_zeros(n, 2), like.new_zeros(n)
        self.searches = torch.zeros_like(like, dtype=torch.int64)
        self._last = torch.full_like(self.searches, -1)  # the end that moved last

    def settle(self, rows: Tensor, penalty: Tensor, slack: Tensor, distance: Tensor) -> Tensor:
        """Note the minimisers of some images, and choose where to look next.

        Args:
            rows: (k,) the images.
            penalty: (k,) their c.
            slack: (k,) by how much the minimiser reaches the goal; negative where it does not.
            distance: (k,) distance of the minimiser.

        Returns:
            (k,) float64, the next c.
        """
        end = (slack < 0).long()  # the one that moves
        penalty, slack = penalty.double(), slack.double()
        self.searches[rows] += 1
        kept_twice = (self._last[rows] == end).to(slack)
        self._last[rows] = end
        self.slacks[rows, 1 - end] *= 1 - kept_twice / 2
        self.slacks[rows, end], self.ends[rows, end] = slack, penalty.log()
        missed = end.nonzero()[:, 0]
        self.missed_at[rows[missed]] = distance[missed].double()

        low, high = self.ends[rows].unbind(dim=1)
        at_low, at_high = self.slacks[rows].unbind(dim=1)
        share = (at_low / (at_low - at_high)).clamp(SHARE, 1 - SHARE)
        inside, outside = self._inside(low, high, share), self._outside(penalty.log(), end)
        return torch.where((high - low).isfinite(), inside, outside).exp()

    def is_closed(self, rows: Tensor, best: Tensor) -> Tensor:
        """Return whether the brackets of the images `rows` (k,), their best at (k,), are closed."""
        width = self.ends[rows, 1] - self.ends[rows, 0]
        near = width.isfinite() & (best <= (1 + self.gap) * self.missed_at[rows])
        return near | (width <= self.precision)

    def first(self, guess: Tensor) -> Tensor:
        """Return the first c (k,), by guesses of it."""
        return guess

    def nearest(self, penalty: Tensor) -> Tensor:
        """Return the values of c (k,) that may be tried, nearest to given ones."""
        return penalty

    def _outside(self, last: Tensor, missed: Tensor) -> Tensor:
        """Next log c (k,) of open brackets; `missed` (k,) int64: 1 where the last one missed."""
        return last + self.factor * (1 - 2 * missed)

    def _inside(self, low: Tensor, high: Tensor, share: Tensor) -> Tensor:
        """Next log c (k,) between two ends, of whose width the slacks suggest a share."""
        return low.lerp(high, share)
