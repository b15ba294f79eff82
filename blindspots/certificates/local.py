"""Certified radii from Lipschitz constants on balls around the images."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from blindspots.bounds.chains import chain
from blindspots.bounds.local import METHODS, centres, radii
from blindspots.bounds.networks import network_bound
from blindspots.certificates._answers import answers
from blindspots.interface import CertificateResult, InputError, Status
from blindspots.limits import Natural


def local(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    classes: int | None = None,
    bound: Literal["product", "eclipse"] = "eclipse",
    bisections: Natural = 5,
) -> CertificateResult:
    """Radius of the largest ball in L2 in which the slopes on it leave the answer unchanged.

    With L_j(ρ) a Lipschitz constant, in the ball of radius ρ around an image, of the label's logit
    minus that of class j, no image within min(ρ, margin_j / L_j(ρ)) has the answer j. The radius is
    computed in float64, minus what a linear last layer may round as the network runs (`_answers`).
    Except for rounding it is never below the radius of certificate `lipschitz` by the same bound.

    Args:
        model: maps images to logits; a chain (see `bounds.chains`).
        images: (n, *image).
        labels: (n,) true classes. The radius is 0 for an image that the model gets wrong, or could
            get wrong in float32: nearer to a tie than `goals.SUCCESS_MARGIN`.
        classes: number of labels; None: that of the logits. Logits beyond them, such as a
            detector's "rejected", are not rivals.
        bound: method that bounds the slopes, "product" or the closer "eclipse".
        bisections: bisections of the radius for each image.

    Returns:
        A radius for each image.

    Raises:
        InputError: an unknown bound.
        UnsupportedError: a model that computes something else than its layers do, or a network
            that is not a chain; names the layer.
    """
    if bound not in METHODS:
        raise InputError(f"bound: expected one of {', '.join(METHODS)}, found {bound!r}")
    known = answers(model, images, labels, classes)
    logits, network = known.logits, chain(known.network, images.shape[1:])
    steeper = known.steeper * network_bound(known.network, images.shape[1:], bound)
    flat = images.double().flatten(1).cpu().numpy()
    at = centres(network, flat, logits.cpu().numpy(), labels.cpu().numpy())
    at = at._replace(margins=at.margins - known.rounding.cpu().numpy())
    found = radii(network, at, bound, steps=bisections, steeper=steeper)
    radius = torch.where(known.certain, torch.from_numpy(found).to(logits), 0)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))
