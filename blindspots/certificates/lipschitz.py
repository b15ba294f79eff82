"""Certified radii from a Lipschitz constant of the map to the logits."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from blindspots.bounds import networks
from blindspots.certificates._answers import answers
from blindspots.certificates.contract import certificate
from blindspots.interface import CertificateResult, Status

BY_DEFAULT = "product"
"""Name of this certificate in a config that names none (`config.expansion`)."""


@certificate(whole=True)
def lipschitz(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    classes: int | None = None,
    bound: Literal["product", "eclipse", "lipsdp"] = "product",
) -> CertificateResult:
    """Radii min_j margin_j / L_j in L2, within which no image has another answer.

    margin_j is the label's logit minus that of class j, and L_j a Lipschitz constant of this
    difference, at most √2 times that of the network (Szegedy et al. 2013, section 4.3: "small
    bounds guarantee that no such examples can appear"). It is computed in float64, minus what a
    linear last layer may round as the network runs (`_answers`).

    Args:
        model: images to logits, made of layers with known bounds.
        images: (n, *image).
        labels: (n,) true classes. The radius is 0 for an image that the model gets wrong, or could
            get wrong in float32: nearer to a tie than `goals.SUCCESS_MARGIN`.
        classes: number of labels; None: that of the logits. Logits beyond them, such as a
            detector's "rejected", are not rivals.
        bound: method that bounds the slopes, one of `bounds.networks.METHODS`.

    Returns:
        A radius for each image.

    Raises:
        InputError: images, labels or a method of another kind.
        UnsupportedError: a layer without a known bound, a model that computes something else than
            its layers do, or a network that the method does not support.
    """
    known = answers(model, images, labels, classes)
    logits, found = known.logits, networks.bound(known.network, images.shape[1:], bound)
    slopes = torch.from_numpy(found.logits[:, : logits.shape[1]]).to(logits)[labels]
    slopes += known.steeper * found.network
    margins = logits.gather(1, labels[:, None]) - logits - known.rounding
    distances = torch.where(margins > 0, margins / slopes, 0)
    distances = torch.where(known.label_alone, torch.inf, distances)
    radius = torch.where(known.certain, distances.amin(dim=1), 0)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))
