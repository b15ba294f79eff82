"""Certified radii from a Lipschitz constant of the map to the logits."""

from __future__ import annotations

import copy
from math import sqrt

import torch
from torch import Tensor, nn

from blindspots.analyses.lipschitz import network_bound
from blindspots.interface import CertificateResult, Status


def lipschitz(model: nn.Module, images: Tensor, labels: Tensor) -> CertificateResult:
    """Within margin / (√2 L) of an image, in L2, no image has another answer.

    A logit's difference to another is √2 L-Lipschitz where the map to the logits is L-Lipschitz
    (Szegedy et al. 2013, section 4.3: "small bounds guarantee that no such examples can appear").
    Computed in float64 with the product bound of the layers, rounded down.

    Args:
        model: images to logits, made of layers with known bounds.
        images: (n, *image).
        labels: (n,) true classes; an image that the model gets wrong has radius 0.

    Raises:
        InputError: a layer without a known bound.
    """
    exact = copy.deepcopy(model).double()
    bound = network_bound(exact, images.shape[1:])
    with torch.no_grad():
        logits = exact(images.double())
    correct = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    rounding = 1e-12 * logits.abs().amax(dim=1)
    radius = (correct - others - rounding).clamp_min(0) / (sqrt(2) * bound)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))
