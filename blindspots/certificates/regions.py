"""The exact distance to another answer, for tiny ReLU networks, region by region."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor, nn

from blindspots.bounds.chains import KEEPING
from blindspots.bounds.graph import steps
from blindspots.bounds.networks import network_bound
from blindspots.certificates._answers import answers
from blindspots.interface import CertificateResult, Status, UnsupportedError
from blindspots.limits import Count

SLACK = 1e-7
"""Relative, outward: the least-squares solver's rounding."""


class Affine(NamedTuple):
    """v = A r + b for perturbations r of one image."""

    A: np.ndarray
    b: np.ndarray


def regions(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    classes: int | None = None,
    max_units: Count = 40,
) -> CertificateResult:
    """The length of the smallest perturbation, in L2 and without a box, that changes the answer.

    A ReLU network is affine where the signs of its hidden units stay the same. Branch and bound
    over the signs, unit by unit, drops every set of regions that is farther than the nearest change
    so far; in a region the nearest point with another answer is a least-distance program (Lawson
    and Hanson 1974, "Solving least squares problems", chapter 23). The time is exponential in the
    number of units. What the last layer may round as the network runs is subtracted (`_answers`).

    Args:
        model: fully connected with ReLU, and without hidden layers a linear classifier.
        images: (n, *image).
        labels: (n,) true classes. The radius is 0 for an image that the model gets wrong, or could
            get wrong in float32: nearer to a tie than `goals.SUCCESS_MARGIN`.
        classes: number of labels; None: that of the logits. Logits beyond them, such as a
            detector's "rejected", are not rivals.
        max_units: hidden units that a model may have.

    Returns:
        A radius for each image.

    Raises:
        UnsupportedError: another model, or a larger one.
    """
    known = answers(model, images, labels, classes)
    layers = _layers(known.network, images, max_units)
    steeper = known.steeper * network_bound(known.network, images.shape[1:])
    flat = images.detach().cpu().double().flatten(1).numpy()
    rounding = known.rounding.cpu().numpy()
    radii = [
        _less_rounding(layers, x, label, slack, steeper) * (1 - SLACK) if sure else 0.0
        for x, label, slack, sure in zip(
            flat, labels.tolist(), rounding, known.certain.tolist(), strict=True
        )
    ]
    radius = torch.tensor(radii, dtype=torch.float64, device=images.device)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))


def _layers(model: nn.Module, images: Tensor, max_units: int) -> list[Affine]:
    found: list[Affine] = []
    relu = True  # whether the next layer may be linear
    for step in steps(model, images.shape[1:]):
        layer = step.operation
        if isinstance(layer, nn.Linear) and len(step.tensors[0].shape) == 1:
            bias = torch.zeros(layer.out_features) if layer.bias is None else layer.bias
            weight = layer.weight.detach().cpu().double().numpy()
            one = Affine(weight, bias.detach().cpu().double().numpy())
            if not relu:  # two in a row are one
                below = found.pop()
                one = Affine(one.A @ below.A, one.A @ below.b + one.b)
            found.append(one)
            relu = False
        elif isinstance(layer, nn.ReLU) and found and not relu:
            relu = True
        elif not isinstance(layer, nn.Flatten | nn.Identity) and layer not in KEEPING:
            raise UnsupportedError(
                f"layer {step.path!r} ({step.kind}): expected linear layers with ReLU between them "
                "for the certificate regions, found another; use method lipschitz"
            )
    if not found or relu:
        raise UnsupportedError(
            "expected a linear last layer for the certificate regions, found another"
        )
    units = sum(len(layer.b) for layer in found[:-1])
    if units > max_units:
        raise UnsupportedError(
            f"expected at most {max_units} hidden units for the certificate regions, found "
            f"{units}; use method lipschitz, or raise max_units"
        )
    return found


def _less_rounding(layers, x: np.ndarray, label: int, slack: np.ndarray, steeper: float) -> float:
    """The distance of one image to where rounding, which grows on the way, may change the answer.

    Rounding is first taken as at the image; at the distance found then, its growth is bounded.
    """
    far = _distance(layers, x, label, slack)
    return far if far == np.inf else _distance(layers, x, label, slack + steeper * far, far)


def _distance(
    layers: list[Affine], x: np.ndarray, label: int, slack: np.ndarray, best: float = np.inf
) -> float:
    """Distance of one image to the nearest point where another logit reaches the label's.

    Args:
        layers: layers of the network.
        x: (pixels,) the image.
        label: the image's class.
        slack: (classes,) slack of each logit.
        best: a distance at which there is such a point; infinity: none is known.
    """
    first = layers[0]
    start = Affine(first.A, first.A @ x + first.b)
    # sets of regions still to look at: depth, what enters the units, signs and constraints so far
    line: list[tuple[int, Affine, tuple[bool, ...], np.ndarray, np.ndarray]] = [
        (0, start, (), np.zeros((0, len(x))), np.zeros(0))
    ]
    while line:
        depth, entering, signs, G, h = line.pop()
        if depth == len(layers) - 1:
            A, b = entering
            for j in set(range(len(slack))) - {label}:
                least = b[label] - b[j] - slack[j]
                constraints = np.vstack([G, A[j] - A[label]]), np.append(h, least)
                best = min(best, least_distance(*constraints))
        elif len(signs) == len(entering.b):
            on, layer = np.array(signs), layers[depth + 1]
            v = Affine(entering.A * on[:, None], entering.b * on)
            line.append((depth + 1, Affine(layer.A @ v.A, layer.A @ v.b + layer.b), (), G, h))
        else:
            a, c = entering.A[len(signs)], entering.b[len(signs)]
            for on in (c <= 0, c > 0):  # the sign at the image itself is looked at first
                side = 1.0 if on else -1.0
                more = np.vstack([G, side * a]), np.append(h, -side * c)
                if least_distance(*more) < best:
                    line.append((depth, entering, (*signs, on), *more))
    return float(best)


def least_distance(G: np.ndarray, h: np.ndarray) -> float:
    """Length of the shortest r with G r ≥ h.

    Args:
        G: (constraints, pixels).
        h: (constraints,).

    Returns:
        The length; infinity if there is no such r.
    """
    if (h <= 0).all():
        return 0.0
    size = np.maximum(np.linalg.norm(G, axis=1), np.abs(h))
    scaled = size > 0
    E = np.vstack([G[scaled].T, h[scaled]]) / size[scaled]
    target = np.append(np.zeros(G.shape[1]), 1.0)
    u, residual = nnls(E, target)
    r = E @ u - target
    if residual < 1e-10 or r[-1] >= 0:
        return np.inf
    return float(np.linalg.norm(r[:-1] / r[-1]))
