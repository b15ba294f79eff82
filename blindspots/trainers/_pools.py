"""Pools of adversarial examples for one level of a network, partly replaced all the time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class Pool:
    """Examples at one level, each of a training image and with the image's label.

    Attributes:
        level: of the network (`Stages`).
        rows: (size,) the training image that each example was made from.
        points: (size, …) the examples.
        lengths: (size,) how far each is from where its image was, RMS per unit.
        batches: how many were drawn from it.
    """

    def __init__(
        self,
        level: int,
        size: int,
        images: int,
        make: Callable[[Tensor], tuple[Tensor, Tensor]],
        generator: torch.Generator,
    ) -> None:
        """Empty until `fill`.

        Args:
            level: of the network.
            size: number of examples.
            images: number of training images.
            make: (k,) rows to their examples (k, …) and lengths (k,), by the network as it is.
            generator: on the CPU.
        """
        self.level, self.size, self.images = level, size, images
        self.make, self.generator = make, generator
        self.batches = 0
        self.rows = self.points = self.lengths = torch.empty(0)

    def fill(self) -> None:
        """Make all examples."""
        self.rows = torch.randint(self.images, (self.size,), generator=self.generator)
        self.points, self.lengths = self.make(self.rows)

    def refresh(self, share: float) -> None:
        """Replace a random share of the examples by ones of other random images."""
        places = torch.randperm(self.size, generator=self.generator)[: round(share * self.size)]
        rows = torch.randint(self.images, (len(places),), generator=self.generator)
        self.rows[places] = rows
        there = places.to(self.points.device)
        self.points[there], self.lengths[there] = self.make(rows)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """A batch: the training images' rows (count,) and the examples (count, …)."""
        self.batches += 1
        at = torch.randint(self.size, (count,), generator=self.generator)
        return self.rows[at], self.points[at.to(self.points.device)]

    def state(self) -> dict[str, Any]:
        """All that a training that goes on needs."""
        return {name: getattr(self, name) for name in ("batches", "rows", "points", "lengths")}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        """Become what `state` was taken of."""
        self.batches, self.rows = state["batches"], state["rows"]
        self.points, self.lengths = state["points"].to(device), state["lengths"].to(device)


class Tally:
    """What one epoch was trained on, and how well: sums that stay on the device."""

    def __init__(self, levels: list[int]) -> None:
        self.loss: Tensor | float = 0.0
        self.wrong: Tensor | float = 0.0
        self.clean = self.all = 0
        self.examples: dict[int, tuple[Tensor | float, int]] = dict.fromkeys(levels, (0.0, 0))

    def add(self, pool: Pool | None, loss: Tensor, wrong: Tensor, clean: int) -> None:
        """Count a batch: its mean loss, and which answers (n,) were wrong, clean images first."""
        self.loss = self.loss + loss * len(wrong)
        self.wrong = self.wrong + wrong[:clean].sum()
        self.clean, self.all = self.clean + clean, self.all + len(wrong)
        if pool is not None:
            before, count = self.examples[pool.level]
            self.examples[pool.level] = before + wrong[clean:].sum(), count + len(wrong) - clean

    def is_finite(self) -> bool:
        """Whether the loss was, all the time."""
        return math.isfinite(self.loss)

    def row(self, pools: list[Pool]) -> dict[str, float]:
        """The terms of the history; of pools that gave no example yet none."""
        terms = {
            "loss": float(self.loss) / self.all,
            "error": 100 * float(self.wrong) / self.clean,
        }
        for pool in pools:
            wrong, count = self.examples[pool.level]
            if count:
                terms[f"layer{pool.level}_error"] = 100 * float(wrong) / count
                terms[f"layer{pool.level}_distortion"] = pool.lengths.mean().item()
        return terms
