"""Adversarial examples for the part of a network above a level, and two kinds to compare with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.attacks.closest import closest
from blindspots.attacks.controls import control
from blindspots.interface import Box

KINDS = ("closest", "noise", "sign")
"""Kinds of examples of a pool."""


def examples(
    kind: str,
    network: nn.Module,
    points: Tensor,
    labels: Tensor,
    box: Box,
    *,
    strength: float,
    factor: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Make adversarial examples, or what they are compared with, for the part above a level.

    Args:
        kind: "closest": the nearest points with another answer than the label (`attacks.closest`,
            its descent alone), `factor` times as far, at most `strength`; the point itself if none
            is found. "noise": as far, in a random direction. "sign": one step along the signs of
            the gradient (Goodfellow et al. 2014, arXiv:1412.6572), `strength` in every unit.
        network: maps values at the level to logits.
        points: (n, …) in the box.
        labels: (n,) the answers to move away from.
        box: range of a unit.
        strength: RMS per unit.
        factor: multiplies the distance of the nearest examples.
        steps: number of steps of the descent.
        generator: on the CPU, for the noise.

    Returns:
        (n, …) in the box.
    """
    if kind == "sign":
        x = points.detach().clone().requires_grad_()
        loss = cross_entropy(network(x), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
        return (points + strength * gradient.sign()).clamp(*box)
    found = closest(network, points, labels, box=box, steps=steps, rounds=0).images
    change = found - points
    limit = strength * math.sqrt(points[0].numel())
    scale = (limit / change.flatten(1).norm(dim=1)).clamp_max(factor).nan_to_num(1)
    scale = scale.view(-1, *[1] * (points.ndim - 1))
    # Rounded once more, a point just beyond the boundary might be on it.
    moved = torch.where(scale == 1, found, (points + scale * change).clamp(*box))
    if kind == "closest":
        return moved
    noise = torch.randn(points.shape, generator=generator).to(points)
    return control(points, noise, box, clip=True, matched=lengths(moved - points)).images


def lengths(change: Tensor) -> Tensor:
    """Return the RMS per unit (n,) of changes (n, …)."""
    return change.flatten(1).square().mean(dim=1).sqrt()
