"""Certified radii from a Lipschitz constant of the map to the logits."""

from __future__ import annotations

import copy
from math import sqrt

import torch
from torch import Tensor, nn

from blindspots.bounds.networks import network_bound
from blindspots.goals import SUCCESS_MARGIN, accepted_answers, relative_margin
from blindspots.interface import CertificateResult, Status


def lipschitz(model: nn.Module, images: Tensor, labels: Tensor) -> CertificateResult:
    """Within margin / (√2 L) of an image, in L2, no image has another answer.

    A logit's difference to another is √2 L-Lipschitz where the map to the logits is L-Lipschitz
    (Szegedy et al. 2013, section 4.3: "small bounds guarantee that no such examples can appear").
    Computed in float64 with the product bound of the layers, less what rounding may add.

    Args:
        model: images to logits, made of layers with known bounds.
        images: (n, *image).
        labels: (n,) true classes. An image that the model gets wrong has radius 0, and so has one
            that float32 could get wrong, nearer to a tie than `goals.SUCCESS_MARGIN`.

    Raises:
        InputError: a layer without a known bound.
    """
    exact = copy.deepcopy(model).double()
    bound = network_bound(exact, images.shape[1:])
    with torch.no_grad():
        logits = exact(images.double())
    label_alone = accepted_answers(labels, labels, logits.shape[1], logits.shape[1])
    scale = logits.abs().amax(dim=1)
    margin = relative_margin(logits, label_alone)
    distance = (margin - 1e-12) * scale / (sqrt(2) * bound)  # 1e-12: float64's forward error
    radius = torch.where(margin >= SUCCESS_MARGIN, distance, 0)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))
