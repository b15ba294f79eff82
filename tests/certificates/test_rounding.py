"""Linear nets whose logits cancel at the boundary: radii hold for the sums in float32."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.attacks import closest, lbfgs
from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.local import local
from blindspots.certificates.regions import regions
from blindspots.interface import UNIT_BOX
from blindspots.threat.judge import judge
from tests.test_exact_truth import built

PIXELS, N = 48, 40
UNIT = 2.0**-24
CERTIFICATES = [lipschitz, local, regions]
NETS = ["opposite logits", "one logit", "ten logits"]


def net(kind, seed, pixels=PIXELS):
    """Return a linear net, and a point where all of its logits are about 0."""
    generator = torch.Generator().manual_seed(seed)
    centre = 0.3 + 0.4 * torch.rand(pixels, generator=generator)
    w = torch.randn(10, pixels, generator=generator)
    of_kind = {"opposite logits": torch.stack([w[0], -w[0]]), "one logit": w[:1], "ten logits": w}
    rows = of_kind[kind]
    model = nn.Sequential(nn.Flatten(), nn.Linear(pixels, len(rows)))
    with torch.no_grad():
        model[1].weight.copy_(rows)
        model[1].bias.copy_(-rows @ centre)
    return model.requires_grad_(False), centre


def images_around(centre, seed, n=N):
    """Images at distances of 1e-7 to 1 or so, most of them in the box."""
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.logspace(-8, -1, n)[:, None]
    return (centre + sizes * torch.randn(n, len(centre), generator=generator)).view(n, 1, 1, -1)


def truth(model):
    """Return weights (logits, pixels) and biases of a net as fractions, two rows for one logit."""
    rows = [[Fraction(w) for w in row] for row in model[1].weight.tolist()]
    offsets = [Fraction(b) for b in model[1].bias.tolist()]
    if len(rows) == 1:
        rows, offsets = [[Fraction(0)] * len(rows[0]), rows[0]], [Fraction(0), offsets[0]]
    return rows, offsets


def dot(a, b):
    return sum(v * w for v, w in zip(a, b, strict=True))


def exact(model, images):
    """Return right answers (n,), squared distances to the nearest other one, and the ways there."""
    rows, offsets = truth(model)
    labels, squares, ways = [], [], []
    for image in images.flatten(1).tolist():
        x = [Fraction(pixel) for pixel in image]
        logits = [dot(row, x) + b for row, b in zip(rows, offsets, strict=True)]
        label = max(range(len(logits)), key=logits.__getitem__)
        others = {}
        for j in set(range(len(rows))) - {label}:
            way = [b - a for a, b in zip(rows[label], rows[j], strict=True)]
            others[j] = (logits[label] - logits[j]) ** 2 / dot(way, way), way
        square, way = min(others.values(), key=lambda pair: pair[0])
        labels.append(label)
        squares.append(square)
        ways.append(np.array(way, float) / float(dot(way, way)) ** 0.5)
    return torch.tensor(labels), squares, np.array(ways)


def answers(model, images, rng):
    """Return answers in float32 (orders, n), of the net itself and of sums in other orders."""
    found = [model(images).numpy()]
    weight, bias = model[1].weight.numpy(), model[1].bias.numpy()
    for order in [np.arange(PIXELS), *(rng.permutation(PIXELS) for _ in range(5))]:
        products = images.flatten(1).numpy()[:, None, order] * weight[:, order]
        first = np.broadcast_to(bias[:, None], (*products.shape[:2], 1))
        found.append(np.add.accumulate(np.concatenate([first, products], axis=2), axis=2)[..., -1])
        found.append(np.add.accumulate(np.concatenate([products, first], axis=2), axis=2)[..., -1])
    logits = np.stack(found)
    assert logits.dtype == np.float32
    return logits[..., 0] > 0 if logits.shape[2] == 1 else logits.argmax(axis=2)


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("certify", CERTIFICATES)
def test_within_a_radius_no_order_of_the_sums_gives_another_answer(certify, kind):
    rng, tried = np.random.default_rng(0), 0
    for seed in range(5):
        model, centre = net(kind, seed)
        images = images_around(centre, seed)
        labels, squares, ways = exact(model, images)
        radii = certify(model, images, labels).radius
        distances = np.sqrt(np.array(squares, float))
        # At most the distance, and less by no more than rounding: many times that of the image.
        assert all(Fraction(r) ** 2 <= d for r, d in zip(radii.tolist(), squares, strict=True))
        allowed = 10 * PIXELS * UNIT * (images.flatten(1).double().norm(dim=1).numpy() + distances)
        assert (distances - radii.numpy() <= allowed).all()
        for share in (0.0, 0.5, 1 - 1e-3, 1 - 1e-6):
            moved = images.flatten(1).numpy() + share * radii.numpy()[:, None] * ways
            moved = torch.from_numpy(moved.astype(np.float32)).view(images.shape)
            far = (moved.double() - images.double()).flatten(1).norm(dim=1)
            within = ((far <= radii) & (radii > 0)).numpy()
            tried += within.sum()
            given = answers(model, moved, rng)
            assert (given == labels.numpy())[:, within].all()
    assert tried > 5 * N


@pytest.mark.parametrize("kind", ["opposite logits", "ten logits"])
def test_the_ledger_takes_what_is_found_of_images_that_rounding_gets_wrong_too(kind):
    for seed in range(4):
        model, centre = net(kind, seed)
        images = images_around(centre, seed).clamp(0, 1)
        labels = exact(model, images)[0]
        radii = {f.__name__: f(model, images, labels).radius for f in CERTIFICATES}
        rows = built(model, images, labels, radii)
        assert (rows["lower"] <= rows["upper"]).all()


@pytest.mark.parametrize("pixels", [PIXELS, 784])
@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("attack", [closest, lbfgs])
def test_no_success_is_within_a_radius(attack, kind, pixels):
    for seed in range(4):
        model, centre = net(kind, seed, pixels)
        images = images_around(centre, seed).clamp(0, 1)
        labels = exact(model, images)[0]
        found = attack(model, images, labels)
        seen = judge(
            model, images, found.images, labels, None, classes=max(2, len(model[1].bias)),
            box=UNIT_BOX,
        )  # fmt: skip
        lengths = torch.from_numpy(seen.lengths["l2"])
        wrong = torch.from_numpy(seen.mistaken)
        for certify in CERTIFICATES:
            assert (certify(model, images, labels).radius <= lengths)[wrong].all()
