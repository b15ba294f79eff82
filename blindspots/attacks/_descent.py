"""Descent to a first success for each image, then back towards the image; `closest` begins here."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blindspots.attacks._checks import check_finite
from blindspots.attacks._goal import Goal
from blindspots.threat.goals import cross_entropy

GROWTH, FARTHEST = 1.2, 0.2
"""Growth of an image's steps until its first success, and their limit as a share of the box, in
every pixel."""
APPROACH = (0.2, 0.02)
"""Share by which the distance shrinks after a success and grows after a miss, at first and at
last."""
LAST = 0.01
"""Length of the last step, as a share of that of the first."""


def descend(goal: Goal, rows: Tensor, steps: int, *, by_signs: bool = True) -> None:
    """Walk from the images `rows` (k,), in as many gradients of the cross-entropy; keep successes.

    Until the first success, a point moves along the signs of the gradient, beginning with the step
    that would end a linear loss: on networks trained to be robust, and on other piecewise linear
    ones, this crosses the flats and folds where careful minimisers stop. (Without `by_signs` it
    moves along the gradient itself, which reaches some of the few images that signs do not.) After
    it, direction and distance are decoupled (Rony et al. 2019, arXiv:1811.09600, algorithm 1): a
    step along the gradient, at first as long as the distance and then ever shorter, is followed by
    a radial move to a distance that shrinks after a success and grows after a miss. A point whose
    gradient is not finite stays.

    Raises:
        InputError: logits at an image are not finite; names the first.
    """
    originals = goal.originals[rows]
    x, pixels = originals.clone(), originals.shape[1]
    box = goal.room.at(rows)
    farthest = FARTHEST * goal.room.width(rows) * math.sqrt(pixels)
    radius = originals.new_full((len(rows),), torch.inf)
    for step in range(steps):
        logits, loss, direction = goal.gradient(x, rows, cross_entropy)
        distance = (x - originals).norm(dim=1)
        reached = goal.margin(logits, rows) >= 0
        goal.keep(x, rows, distance, reached)
        best = goal.distance[rows]
        found = best.isfinite()
        norm = direction.norm(dim=1)
        if step == 0:
            check_finite(logits.isfinite().all(dim=1), rows)
            stride = torch.where(goal.note(rows, direction), loss / norm, 0)
        elif step == steps - 1:
            goal.note(rows, direction)
        if not norm.isfinite().all():
            odd = ~norm.isfinite()
            direction[odd], norm[odd] = 0, 0
        fade = LAST + (1 - LAST) * (1 + math.cos(math.pi * step / steps)) / 2
        share = APPROACH[1] + (APPROACH[0] - APPROACH[1]) * fade
        radius = torch.minimum(best, torch.where(reached, distance, radius * (1 + share)))
        radius = torch.where(reached, radius * (1 - share), radius)
        length = torch.where(found, fade * best, stride.clamp_max(fade * farthest))
        stride = stride * GROWTH
        lost = (~found).nonzero()[:, 0]
        if by_signs and len(lost):
            direction[lost] = direction[lost].sign()
            norm[lost] = direction[lost].norm(dim=1)
        norm = torch.where(norm < torch.finfo(x.dtype).tiny, 1, norm)  # no direction, no step
        x.addcmul_(direction, (-length / norm)[:, None])
        change = x.sub_(originals)
        there = change.norm(dim=1)
        scale = torch.where(found & (there > 0), radius / there, 1)
        x = torch.addcmul(originals, change, scale[:, None], out=change).clamp_(*box)
