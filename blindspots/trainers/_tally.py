"""The terms of an epoch's row in the history of a training with pools."""

from __future__ import annotations

import math

from torch import Tensor

from blindspots.trainers._pools import Pool


class Tally:
    """Tally of one epoch: loss and errors, as sums that stay on the device."""

    def __init__(self) -> None:
        self.loss: Tensor | float = 0.0
        self.wrong: Tensor | float = 0.0
        self.clean = self.all = 0
        self.examples: dict[int, tuple[Tensor | float, int]] = {}

    def add(self, pool: Pool | None, loss: Tensor, wrong: Tensor, clean: int) -> None:
        """Count a batch: its mean loss, and which answers (n,) were wrong, clean images first."""
        self.loss = self.loss + loss * len(wrong)
        self.wrong = self.wrong + wrong[:clean].sum()
        self.clean, self.all = self.clean + clean, self.all + len(wrong)
        if pool is not None and len(wrong) > clean:
            before, count = self.examples.get(pool.level, (0.0, 0))
            self.examples[pool.level] = before + wrong[clean:].sum(), count + len(wrong) - clean

    def is_finite(self) -> bool:
        """Return whether the loss was finite throughout."""
        return math.isfinite(self.loss)

    def row(self, pools: list[Pool]) -> dict[str, float]:
        """The terms of the history; of pools that gave no example yet none."""
        terms = {
            "loss": float(self.loss) / self.all,
            "error": 100 * float(self.wrong) / self.clean,
        }
        for pool in pools:
            if pool.level in self.examples:
                wrong, count = self.examples[pool.level]
                terms[f"layer{pool.level}_error"] = 100 * float(wrong) / count
                terms[f"layer{pool.level}_distortion"] = pool.lengths.mean().item()
        return terms
