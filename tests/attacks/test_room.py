"""Boxes with a range per feature, no box, vectors and masks: on linear models, against geometry."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch import nn

from blindspots.attacks import closest, gaussian, lbfgs, other_image, sphere
from blindspots.interface import Box, InputError
from blindspots.threat.goals import SUCCESS_MARGIN

D, N = 6, 5
RNG = np.random.default_rng(7)
WEIGHTS, BIAS = RNG.normal(size=(2, D)), RNG.normal(size=2)
LOWER, UPPER = np.array([0, -2, 0.1, -1, 0, -3.0]), np.array([1, 2, 0.9, 0, 5, 3.0])
MASK = np.array([True, True, False, True, False, True])


def linear(dtype=torch.float64):
    model = nn.Sequential(nn.Flatten(), nn.Linear(D, 2, dtype=dtype))
    with torch.no_grad():
        model[1].weight.copy_(torch.from_numpy(WEIGHTS))
        model[1].bias.copy_(torch.from_numpy(BIAS))
    return model


def points():
    inside = np.random.default_rng(1).uniform(0.3, 0.7, size=(N, D))
    return LOWER + inside * (UPPER - LOWER)


def reference(x, lower, upper, free):
    """Return the distance of the nearest point of the other class: along a ray cut by the room."""
    gap, offset = WEIGHTS[1] - WEIGHTS[0], BIAS[1] - BIAS[0]
    way = -gap if x @ gap + offset > 0 else gap
    low, high = np.where(free, lower - x, 0), np.where(free, upper - x, 0)

    def lead(length):
        return np.sign(way @ gap) * ((x + np.clip(length * way, low, high)) @ gap + offset)

    if lead(1e6) < 0:
        return np.inf
    return np.linalg.norm(np.clip(brentq(lead, 0, 1e6, xtol=1e-14) * way, low, high))


FIXED = np.where(np.arange(D) == 1, 0.5, LOWER), np.where(np.arange(D) == 1, 0.5, UPPER)

ROOMS = {
    "a feature that is constant": (*FIXED, None),
    "a range per feature": (LOWER, UPPER, None),
    "no box": (np.full(D, -np.inf), np.full(D, np.inf), None),
    "a mask": (LOWER, UPPER, MASK),
    "a mask without a box": (np.full(D, -np.inf), np.full(D, np.inf), MASK),
}


@pytest.mark.parametrize("attack", [closest, lbfgs], ids=lambda a: a.__name__)
@pytest.mark.parametrize("shape", [(D,), (1, 2, 3)], ids=["vectors", "images"])
@pytest.mark.parametrize("name", ROOMS)
def test_the_nearest_point_of_a_linear_model_in_any_room(attack, shape, name):
    lower, upper, mask = ROOMS[name]
    x, model = np.clip(points(), lower, upper), linear()
    images = torch.from_numpy(x).view(N, *shape)
    labels = model(images).argmax(dim=1)
    box = None if np.isinf(lower).any() else Box(*(e.reshape(shape) for e in (lower, upper)))
    free = None if mask is None else torch.from_numpy(mask).view(shape)
    closer = {"penalty_precision": 1.0001, "max_searches": 60} if attack is lbfgs else {}
    found = attack(model, images, labels, box=box, mask=free, **closer)
    wanted = np.array(
        [reference(p, lower, upper, np.ones(D, bool) if mask is None else mask) for p in x]
    )
    assert found.success.numpy().tolist() == np.isfinite(wanted).tolist()
    reached = np.isfinite(wanted)
    assert reached.any()
    # A success is a margin beyond the boundary; a penalty attack closes its bracket to a hundredth.
    slack = 1e-2 if attack is lbfgs else 50 * SUCCESS_MARGIN
    assert found.l2.numpy()[reached] == pytest.approx(wanted[reached], rel=slack, abs=1e-4)
    moved = found.images.flatten(1) != images.flatten(1)
    assert not moved[:, ~np.ones(D, bool) if mask is None else ~mask].any()
    inside = found.images.flatten(1).numpy()
    assert ((inside >= lower) & (inside <= upper)).all()


@pytest.mark.parametrize("attack", [gaussian, sphere, other_image], ids=lambda a: a.__name__)
def test_controls_stay_in_a_range_per_feature(attack):
    images = torch.from_numpy(points())
    box = Box(torch.from_numpy(LOWER), torch.from_numpy(UPPER))
    found = attack(None, images, torch.zeros(N, dtype=torch.long), box=box)
    assert ((found.images >= box.lower) & (found.images <= box.upper)).all()
    assert (found.images != images).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mask": torch.ones(5) > 0}, r"mask: .* shape of an image, \(6,\), .*\(5,\)"),
        ({"mask": torch.ones(D)}, "mask: expected a tensor of torch.bool, found torch.float32"),
        ({"box": Box(np.zeros(5), np.ones(5))}, r"each feature of \(6,\), found shape \(5,\)"),
        ({"box": Box(UPPER, LOWER)}, "box: expected the least value first, found a range for each"),
        ({"box": "all"}, "box: expected the least and the largest value"),
    ],
)  # fmt: skip
def test_a_mask_or_a_box_of_another_shape_is_refused(settings, message):
    images = torch.from_numpy(points())
    with pytest.raises(InputError, match=message):
        closest(linear(), images, linear()(images).argmax(dim=1), **({"box": None} | settings))
