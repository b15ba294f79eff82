"""Search for the largest c of a geometric grid whose minimiser still reaches its goal."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blindspots.attacks._bracket import Bracket

AWAY = {"guess": 0, "above": 1, "below": -1}
"""Decades between the guess of c and the first value, by where a search begins."""


class Grid(Bracket):
    """A bracket of c for every image, whose ends are powers of one ratio, the same for all images.

    From above, c goes down value by value to the first success; from below, up value by value to
    the first miss. A start that succeeds above, or misses below, moves by decades until it does
    not. From the guess, c moves by decades until it is bracketed, then to the value nearest to what
    the slacks suggest. A bracket is closed when its ends are neighbours.
    """

    def __init__(self, like: Tensor, ratio: float, start: str) -> None:
        """Open brackets, in float64.

        Args:
            like: (n,) float64, on the right device.
            ratio: ratio of neighbours.
            start: a key of `AWAY`.
        """
        super().__init__(like, ratio, ratio**1.5, -1)  # only neighbours close a bracket
        self.ratio, self.start = ratio, start
        self.decade = max(1, round(math.log(10) / self.factor))
        self.tolerance = min(1, self.factor / math.log(10))
        self.is_from_above = start == "above"
        self.up = 1 if start == "below" else self.decade
        self.down = 1 if start == "above" else self.decade

    def settle(self, rows: Tensor, penalty: Tensor, slack: Tensor, distance: Tensor) -> Tensor:
        return self.nearest(super().settle(rows, penalty, slack, distance))

    def first(self, guess: Tensor) -> Tensor:
        return self.nearest(guess, AWAY[self.start] * self.decade)

    def nearest(self, penalty: Tensor, away: int = 0) -> Tensor:
        powers = (penalty.double().log() / self.factor).round() + away
        return (self.ratio**powers).to(penalty)

    def _outside(self, last: Tensor, missed: Tensor) -> Tensor:
        return last + torch.where(missed > 0, -self.down, self.up) * self.factor

    def _inside(self, low: Tensor, high: Tensor, share: Tensor) -> Tensor:
        if self.start == "guess":
            return low.lerp(high, share).clamp(low + self.factor, high - self.factor)
        return high - self.factor if self.start == "above" else low + self.factor
