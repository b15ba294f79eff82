"""Rivals in certificates are the classes, without "rejected"; a single logit counts by its sign."""

import pytest
import torch
from torch import nn

from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.local import local
from blindspots.certificates.regions import regions

CERTIFICATES = [lipschitz, local, regions]


def linear(rows, offsets):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, len(rows)))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor(rows))
        model[1].bias.copy_(torch.tensor(offsets))
    return model.eval().requires_grad_(False)


IMAGES = torch.zeros(1, 1, 2, 2)
LABELS = torch.tensor([0])


@pytest.mark.parametrize("certify", CERTIFICATES)
def test_a_rejected_logit_is_no_rival(certify):
    """Class 1 wins where the first pixel is above 1, the rejected logit already above 0.1."""
    rows = [[0.0] * 4, [1.0, 0, 0, 0], [1.0, 0, 0, 0]]
    model = linear(rows, [1.0, 0.0, 0.9])
    (radius,) = certify(model, IMAGES, LABELS, classes=2).radius.tolist()
    assert radius == pytest.approx(1, rel=1e-5)
    (radius,) = certify(model, IMAGES, LABELS).radius.tolist()  # where it is a class
    assert radius == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("certify", CERTIFICATES)
def test_a_single_logit_is_certified_as_zero_and_itself(certify):
    model = linear([[3.0, 4.0, 0, 0]], [-1.0])  # above 0 at a distance of 1/5
    (radius,) = certify(model, IMAGES, LABELS, classes=2).radius.tolist()
    assert radius == pytest.approx(0.2, rel=1e-5)
    assert certify(model, IMAGES, 1 - LABELS, classes=2).radius.tolist() == [0]
