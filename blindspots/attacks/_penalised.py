"""The loss that the penalty method adds to the distance, on logits of a usual scale."""

from __future__ import annotations

import torch
from torch import Tensor

from blindspots.attacks._goal import Goal

ORDINARY, SPREAD = (0.5, 1e3), 10.0
"""Usual range of an image's logits, and the range to which others are scaled for the loss.

Without it the result would depend on the scale: cross-entropy is almost linear in small logits,
where it pulls away from all other classes equally, and c would run into `lbfgs.LIMITS`. The paper's
networks are within the usual range."""


class Penalised(Goal):
    """The loss of every image, and the c of its search.

    Attributes:
        penalty: (n,) c of the current minimisation.
        best_penalty: (n,) c of the nearest success.
        unit: (n,) divisor of an image's logits before the loss; 0 before its first evaluation.
        margins: (n,) margins of the current iterates; not negative is a success.
        margin_now: (k,) margins of the last evaluation.
        gradient_now: (k, pixels) its gradients.
        finite_now: (k,) bool, whether its logits were finite.
    """

    def __init__(self, model, images, labels, targets, classes, loss, **options) -> None:
        super().__init__(model, images, labels, targets, classes, **options)
        self.loss = loss
        self.best_penalty = torch.full_like(self.distance, torch.nan)
        self.margins, self.penalty = (torch.zeros_like(self.distance) for _ in range(2))
        self.unit = torch.zeros_like(self.distance, dtype=torch.float64)

    def evaluate(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The loss (k,) and its gradient (k, pixels)."""

        def loss(logits: Tensor, accepted: Tensor) -> tuple[Tensor, Tensor]:
            new = self.unit[rows] == 0
            if new.any():
                self.unit[rows[new]] = _unit(logits[new])
            unit = self.unit[rows]
            value, slope = self.loss(logits / unit[:, None], accepted)
            return value, slope / unit[:, None]

        logits, value, gradient = self.gradient(x, rows, loss)
        self.margin_now, self.gradient_now = self.margin(logits, rows), gradient
        self.finite_now = logits.isfinite().all(dim=1)
        return value, gradient


def _unit(logits: Tensor) -> Tensor:
    """Divisor of logits (k, logits): 1, unless their range is far from that of trained nets."""
    spread = logits.amax(dim=1) - logits.amin(dim=1)
    odd = ((spread < ORDINARY[0]) | (spread > ORDINARY[1])) & (spread > 0) & spread.isfinite()
    return torch.where(odd, spread / SPREAD, 1)
