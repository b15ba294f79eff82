"""The ledger's bounds meet within 0.1% if the smallest perturbation is known by mathematics.

Tiny ReLU networks, whose regions are enumerated, are in tests/certificates/test_regions.py.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from blindspots.attacks import closest
from blindspots.bounds.local import METHODS
from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.local import local
from blindspots.certificates.regions import regions
from blindspots.datasets.spheres import spheres
from blindspots.interface import UNIT_BOX
from blindspots.jobs.ledger import build
from blindspots.threat.judge import judge
from blindspots.threat.outcomes import outcomes

WITHIN = 1.001


class Unaltered:
    """Images, and the reach of their pixels."""

    def __init__(self, images):
        self.images, self.shape = images.numpy(), tuple(images.shape[1:])

    def reach(self, index):
        return np.maximum(self.images[index], 1 - self.images[index])


def built(model, images, labels, radii):
    """The ledger of one net from `closest` and certified radii, for any wrong class."""
    found = closest(model, images, labels)
    answers = model(images).argmax(dim=1)
    frame = pd.DataFrame({"index": range(len(images)), "label": labels.numpy()})
    frame = frame.assign(net="A", seed=0, dataset="D", file="test", prediction=answers.numpy())
    frame = frame.assign(outcome=outcomes(answers.numpy(), labels.numpy()))
    seen = judge(
        model, images, found.images, labels, None, classes=model(images).shape[1], box=UNIT_BOX
    )
    attacks = frame.assign(
        attack="closest",
        target=pd.array([pd.NA] * len(frame), dtype="Int16"),
        success=found.success.numpy(),
        attacked_prediction=pd.array(seen.prediction, dtype="Int16"),
        mistaken=seen.mistaken,
        certain=seen.certain,
        inside=seen.inside,
        **seen.lengths,
    )
    certificates = [
        frame.assign(certificate=name, radius=radius.numpy()) for name, radius in radii.items()
    ]
    ledger = build(attacks, pd.concat(certificates), frame, {("D", 0, "test"): Unaltered(images)})
    return ledger[ledger["norm"] == "l2"]


def closed(rows):
    """Return whether every image has both bounds, and these meet."""
    meet = rows["lower"].le(rows["upper"]) & rows["upper"].le(WITHIN * rows["lower"])
    return bool(meet.all())


def test_on_linear_networks_every_certificate_meets_the_attack():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5)).double().requires_grad_(False)
    images = 0.4 + 0.2 * torch.rand(200, 1, 1, 12, dtype=torch.float64)  # away from the box's sides
    # A success has a margin of 1e-5, more than 0.1% of the distance of images nearer to a tie.
    best, next_best = model(images).topk(2, dim=1).values.T
    images = images[(best - next_best) > 0.02 * model(images).abs().amax(dim=1)]
    labels = model(images).argmax(dim=1)
    assert len(images) > 150
    certificates = {
        "product": lipschitz(model, images, labels),
        "eclipse": lipschitz(model, images, labels, bound="eclipse"),
        "regions": regions(model, images, labels),
    }
    for method in METHODS:
        certificates[f"local {method}"] = local(model, images, labels, bound=method)
    for name, found in certificates.items():
        assert closed(built(model, images, labels, {name: found.radius})), name


class Sphere(nn.Module):
    """A model with answer 1 outside a sphere around the middle of the box."""

    def __init__(self, radius):
        super().__init__()
        self.radius = radius

    def forward(self, images):
        beyond = (images.flatten(1) - 0.5).square().sum(dim=1) - self.radius**2
        return torch.stack([-beyond, beyond], dim=1)


@pytest.mark.parametrize("dimensions", [2, 10, 100])
def test_on_concentric_spheres_the_distance_to_a_sphere_between_them_is_found(dimensions):
    data = spheres(dimensions=dimensions, n=200, inner=0.2, outer=0.4).test
    images, labels = torch.from_numpy(data.images).double(), torch.from_numpy(data.labels)
    length = (images - 0.5).flatten(1).norm(dim=1)
    rows = built(Sphere(0.33), images, labels, {"known": (length - 0.33).abs()})
    assert closed(rows)
    assert rows["upper"].between(0.069, 0.131).all()
