"""Shared by the package's attacks: the model's answers, and the nearest success so far."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from blindspots.attacks._checks import check_answers
from blindspots.attacks._room import room
from blindspots.interface import UNIT_BOX, Box, InputError, Status
from blindspots.threat.answers import FEWEST, show
from blindspots.threat.goals import SUCCESS_MARGIN, Loss, accepted_answers, relative_margin

USUAL = (1e-12, 1e12)
"""Sizes of logits between which the squares of their gradients neither overflow nor vanish."""


def _scale(logits: Tensor) -> float:
    """1, or a power of 2 that brings logits (3, logits) outside `USUAL` to a million."""
    largest = float(logits.abs().max())
    if USUAL[0] <= largest <= USUAL[1] or largest == 0:
        return 1.0
    return 2.0 ** max(math.floor(math.log2(largest)) - 20, -126)  # the smallest of float32


class Goal:
    """The images of an attack: which answers count as success, and the nearest success so far.

    Attributes:
        originals: (n, pixels).
        room: the room that the images may move in.
        accepted: (n, logits) bool.
        best: (n, pixels) the nearest success; the original before there is one.
        distance: (n,) its distance; infinite before there is one.
        failure: (n,) int64, the status of a search that finds nothing.
        scale: divisor of the logits; 1, unless they are beyond `USUAL`.
        forwards: (n,) int64, images shown to the model.
        backwards: (n,) int64, gradients taken.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        targets: Tensor | None,
        classes: int | None,
        *,
        box: Box = UNIT_BOX,
        mask: Tensor | None = None,
        fewest: int = FEWEST,
    ) -> None:
        if fewest < 1:
            raise InputError(f"fewest: expected 1 image or more, found {fewest}")
        self.model, self.shape, self.fewest = model, images.shape[1:], fewest
        self.originals, self.room = images.flatten(1), room(images, box, mask)
        tried = check_answers(model, images, labels, targets, classes, box)
        width = tried.shape[1]
        self.accepted = accepted_answers(labels, targets, width, classes or width)
        self.scale = _scale(tried)
        self.best = self.originals.clone()
        self.distance = images.new_full((len(images),), torch.inf)
        self.failure = torch.full_like(labels, Status.NO_SUCCESS)
        self.forwards, self.backwards = torch.zeros_like(labels), torch.zeros_like(labels)

    def logits(self, x: Tensor, rows: Tensor) -> Tensor:
        """Logits (k, logits) of points (k, pixels) of the images `rows`, over `scale`."""
        self.forwards.index_add_(0, rows, torch.ones_like(rows))
        logits = show(self.model, x.view(-1, *self.shape), self.fewest)
        return logits if self.scale == 1 else logits / self.scale

    def gradient(self, x: Tensor, rows: Tensor, loss: Loss) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (k, logits), losses (k,) and gradients (k, pixels) at points (k, pixels)."""
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            logits = self.logits(x, rows)
        # In float64, since exp and log, too, round the last entries of a tensor differently.
        value, slope = loss(logits.detach().double(), self.accepted[rows])
        gradient = None
        if logits.requires_grad:
            (gradient,) = torch.autograd.grad(logits, x, slope.to(x.dtype), allow_unused=True)
        if gradient is None:
            raise InputError(
                "model: expected logits that are differentiable with respect to the images, found "
                "others; the net can be a victim, but not a source"
            )
        self.backwards.index_add_(0, rows, torch.ones_like(rows))
        return logits.detach(), value.to(x.dtype), self.room.within(gradient, rows)

    def margin(self, logits: Tensor, rows: Tensor) -> Tensor:
        """(k,) relative; not negative is a success."""
        return relative_margin(logits, self.accepted[rows]) - SUCCESS_MARGIN

    def note(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """Note from gradients (k, pixels) why searches end; return which can continue, (k,)."""
        largest = gradient.abs().amax(dim=1)
        finite = largest.isfinite()
        blind = torch.where(finite, Status.GRADIENT_VANISHED, Status.NON_FINITE)
        sees = finite & (largest > 0)
        self.failure[rows] = torch.where(sees, Status.NO_SUCCESS, blind)
        return sees

    def keep(self, x: Tensor, rows: Tensor, distance: Tensor, reached: Tensor) -> Tensor:
        """Keep the successes that are nearer than any before, and return their places (b,).

        An image may have several points.
        """
        better = (reached & (distance < self.distance[rows])).nonzero()[:, 0]
        at = rows[better]
        self.distance.scatter_reduce_(0, at, distance[better], "amin")
        nearest = better[distance[better] == self.distance[at]]
        self.best.index_copy_(0, rows[nearest], x.index_select(0, nearest))
        return nearest

    def reached(self, x: Tensor, rows: Tensor) -> Tensor:
        """Keep those of points (k, pixels) that meet the goal, and return which do, (k,) bool."""
        if len(rows) == 0:
            return torch.zeros(0, dtype=torch.bool, device=x.device)
        with torch.no_grad():
            reached = self.margin(self.logits(x, rows), rows) >= 0
        self.keep(x, rows, (x - self.originals[rows]).norm(dim=1), reached)
        return reached
