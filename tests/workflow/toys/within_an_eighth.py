"""Toy of a certificate in Linf: another mean is nearer to a striped image from about 0.27 on."""

import torch

from blindspots.certificates.contract import certificate
from blindspots.interface import CertificateResult, Status


@certificate(norm="linf")
def within_an_eighth(model, images, labels):
    right = model(images).argmax(dim=1) == labels
    radius = right.double() / 8
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))
