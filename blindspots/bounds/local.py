"""Bounds of chains on balls: near an image, units that are off or saturated have smaller slopes.

In a ball around an image every hidden unit's input stays in an interval, and the unit's slopes stay
in [0, s], with s from that interval, instead of [0, 1]. The recursions of `bounds.chains` then hold
on the ball with s times the unit's row of W. They are run for many images at once, in float64: X is
a multiple of the identity ("product") or has eigenvalues within a factor of two ("eclipse"), so
that rounding is far below `SLACK`.

Hein and Andriushchenko 2017, "Formal guarantees on the robustness of a classifier against
adversarial manipulation", theorem 2.1, for what a local constant certifies; Weng et al. 2018,
"Towards fast computation of certified robustness for ReLU networks" (Fast-Lip), for slopes from
intervals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from blindspots.bounds.chains import SLACK, Chain

METHODS = ("product", "eclipse")
"""Methods for a chain on a ball."""

EVERYWHERE = 1e100
"""Radius of a ball that contains everything."""

TINY = 1e-250

ENTRIES = 2**19
"""Numbers in the matrices of the images that are bounded at a time."""


class Centres(NamedTuple):
    """Values of a chain at images.

    Attributes:
        inputs: inputs of every hidden layer's functions, (n, units) each.
        roundings: bounds on their rounding, (n, units) each.
        margins: (n, classes) lead of the label's logit over each other; infinite for its own.
        steps: (n, classes, units) the last layer's rows of the same differences.
    """

    inputs: list[np.ndarray]
    roundings: list[np.ndarray]
    margins: np.ndarray
    steps: np.ndarray


def centres(network: Chain, images: np.ndarray, logits: np.ndarray, labels: np.ndarray) -> Centres:
    """Run a chain on images.

    Args:
        network: chain with its functions.
        images: (n, pixels) float64.
        logits: (n, classes) of the network on them; further logits are not rivals.
        labels: (n,).
    """
    inputs, roundings, v, carried = [], [], images, np.zeros_like(images)
    for W, function in zip(network.hidden, network.functions, strict=True):
        inputs.append(v @ W.T + function.offset)
        sizes = np.linalg.norm(v, axis=1)[:, None] * np.linalg.norm(W, axis=1)
        carried = carried @ np.abs(W).T + SLACK * (sizes + np.abs(function.offset))
        roundings.append(carried)
        v = function.values(inputs[-1])
    rows = np.arange(len(labels))
    margins = logits[rows, labels][:, None] - logits
    margins[rows, labels] = np.inf
    steps = network.last[labels][:, None, :] - network.last[: logits.shape[1]]
    return Centres(inputs, roundings, margins, steps)


def slopes(network: Chain, at: Centres, radii: np.ndarray, method: str) -> np.ndarray:
    """Lipschitz constants of the label's logit minus each other, in balls around images.

    Args:
        network: chain with its functions.
        at: the images.
        radii: (n,) radii of the balls, L2.
        method: one of `METHODS`.

    Returns:
        (n, classes), 0 for the label itself.
    """
    width = max((len(W) for W in network.hidden), default=1)
    few = max(ENTRIES // width**2, 1)
    parts = [slice(i, i + few) for i in range(0, len(radii), few)]
    return np.concatenate([_slopes(network, at, radii, method, part) for part in parts])


def _slopes(network: Chain, at: Centres, radii: np.ndarray, method: str, part: slice) -> np.ndarray:
    half = None  # Cholesky's factor of X of the layer below; None: X is the identity
    for k, (W, function) in enumerate(zip(network.hidden, network.functions, strict=True)):
        y, rounding = at.inputs[k][part], at.roundings[k][part]
        G = _through(half, torch.from_numpy(W)[None])
        lengths = G.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt().numpy() * (1 + SLACK)
        reach = radii[part, None] * lengths + rounding  # change of a unit's input in the ball
        s = torch.from_numpy(function.slopes(y - reach, y + reach) * (1 + SLACK))
        G = s[:, :, None] * G * s[:, None, :]
        # a layer whose units are all off is constant; any number above 0 will do for it
        top = (torch.linalg.eigvalsh(G)[:, -1] * (1 + SLACK)).clamp_min(TINY)[:, None, None]
        X = torch.eye(len(W), dtype=torch.float64)
        if method == "eclipse":  # λ = 2 / top: λ I − λ²/4 G, here and below without 1 / top
            X = 2 * X - G / top
        half = torch.linalg.cholesky(X) / top.sqrt()
    squared = _through(half, torch.from_numpy(at.steps[part])).diagonal(dim1=1, dim2=2)
    return squared.clamp_min(0).sqrt().numpy() * (1 + SLACK)


def _through(half: Tensor | None, rows: Tensor) -> Tensor:
    """W X⁻¹ Wᵀ for rows W of every image and Cholesky's factor of X."""
    if half is None:
        return rows @ rows.mT
    solved = torch.linalg.solve_triangular(half, rows.mT, upper=False)
    return solved.mT @ solved


def radii(
    network: Chain, at: Centres, method: str, *, steps: int = 5, steeper: float = 0.0
) -> np.ndarray:
    """The largest ball around each image that its own bounds certify, (n,).

    A ball of radius ρ is certified up to min(ρ, margin_j / L_j(ρ)) for all classes j. The radius by
    the global bounds is certified first; the rest, up to what the bounds inside it allow, is
    bisected.

    Args:
        network: chain with its functions.
        at: the images; those with a margin below 0 have radius 0.
        method: one of `METHODS`.
        steps: number of bisections.
        steeper: slope to add to every slope.
    """

    def promised(radius: np.ndarray) -> np.ndarray:
        steepness = slopes(network, at, radius, method) + steeper
        with np.errstate(divide="ignore", invalid="ignore"):
            distances = np.where(steepness > 0, at.margins / steepness, at.margins * np.inf)
        return np.clip(distances.min(axis=1), 0, EVERYWHERE)

    low = promised(np.full(len(at.margins), EVERYWHERE))
    high = promised(low)
    if not network.hidden:
        return low
    for _ in range(steps):
        middle = np.sqrt(low) * np.sqrt(high)
        found = promised(middle)
        held = found >= middle
        low = np.where(held, middle, np.maximum(low, found))
        high = np.where(held, np.minimum(high, found), middle)
    return low
