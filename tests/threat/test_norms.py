"""Norms against their definitions, and projections against a general solver's."""

from itertools import combinations

import cvxpy
import numpy as np
import pytest
import torch

from blindspots.interface import UNBOUNDED, UNIT_BOX, Box
from blindspots.threat.norms import NORMS

OF = {"l1": 1, "l2": 2, "linf": "inf"}
SHAPE = (2, 2, 3)
"""Shape of an image: two channels of six pixels."""


def given(seed, n=8):
    """Originals in the box, some features at its bounds, and points around it."""
    rng = np.random.default_rng(seed)
    x = np.clip(rng.uniform(-0.3, 1.3, (n, *SHAPE)), 0, 1)
    p = x + rng.normal(size=x.shape) * rng.choice([0, 0.1, 1], x.shape)
    return torch.from_numpy(x), torch.from_numpy(p)


@pytest.mark.parametrize("name", OF)
def test_lengths_are_those_of_numpy(name):
    x, p = given(0)
    expected = np.linalg.norm((p - x).flatten(1).numpy(), ord=float(OF[name]), axis=1)
    assert np.allclose(NORMS[name].length(p - x), expected, rtol=1e-12)


def test_l0_counts_pixels_whatever_their_channels_and_the_features_of_vectors():
    change = torch.zeros(2, *SHAPE)
    change[0, 0, 0, 0], change[0, 1, 0, 0], change[0, 1, 1, 2] = 1, -1, 0.5
    assert NORMS["l0"].length(change).tolist() == [2, 0]
    assert NORMS["l0"].length(change.flatten(1)).tolist() == [3, 0]


@pytest.mark.parametrize("box", [UNIT_BOX, UNBOUNDED], ids=["box", "no box"])
@pytest.mark.parametrize("radius", [0.0, 0.05, 0.4, 2.0, 100.0])
@pytest.mark.parametrize("name", OF)
def test_a_projection_is_the_nearest_point_of_ball_and_box_together(name, radius, box):
    x, p = given(1)
    found = NORMS[name].project(x, p, radius, box)
    assert (NORMS[name].length(found - x) <= radius * (1 + 1e-9) + 1e-12).all()
    assert ((found >= box.lower) & (found <= box.upper)).all()
    for image, point, near in zip(x.flatten(1), p.flatten(1), found.flatten(1), strict=True):
        y = cvxpy.Variable(len(image))
        within = [cvxpy.norm(y - image.numpy(), OF[name]) <= radius]
        if box is UNIT_BOX:
            within += [y >= 0, y <= 1]
        solved = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(y - point.numpy())), within)
        solved.solve(solver=cvxpy.CLARABEL)
        # Of a strictly convex problem: as near as the solver's, up to its tolerance.
        assert float((near - point).square().sum()) <= solved.value + 1e-6


def test_a_projection_to_l0_is_the_best_choice_of_pixels():
    x, p = given(2)
    for k in range(8):
        found = NORMS["l0"].project(x, p, k, UNIT_BOX)
        assert (NORMS["l0"].length(found - x) <= k).all()
        inside = p.clamp(0, 1)
        best = torch.full((len(x),), torch.inf, dtype=torch.float64)
        for chosen in combinations(range(6), min(k, 6)):
            y = x.flatten(2).clone()
            y[:, :, list(chosen)] = inside.flatten(2)[:, :, list(chosen)]
            best = torch.minimum(best, (y - p.flatten(2)).square().flatten(1).sum(dim=1))
        assert torch.allclose((found - p).square().flatten(1).sum(dim=1), best)


@pytest.mark.parametrize("name", NORMS)
def test_what_is_inside_stays_where_it_is(name):
    x, _ = given(3)
    assert torch.equal(NORMS[name].project(x, x.clone(), 0.0), x)
    near = (x + 1e-3 * torch.ones_like(x)).clamp(0, 1)
    assert torch.allclose(NORMS[name].project(x, near, 100.0, UNIT_BOX), near, atol=1e-15)


@pytest.mark.parametrize("name", NORMS)
def test_a_radius_for_each_image_is_its_own(name):
    x, p = given(4)
    radii = torch.arange(len(x), dtype=torch.float64) / (1 if name == "l0" else 8)
    together = NORMS[name].project(x, p, radii, UNIT_BOX)
    for i, radius in enumerate(radii.tolist()):
        alone = NORMS[name].project(x[i : i + 1], p[i : i + 1], radius, UNIT_BOX)
        assert torch.allclose(together[i : i + 1], alone, atol=1e-12)


@pytest.mark.parametrize("name", OF)
def test_the_steepest_step_reaches_the_dual_norm(name):
    _, gradient = given(5)
    step = NORMS[name].steepest(gradient)
    assert torch.allclose(NORMS[name].length(step), torch.ones(len(step), dtype=torch.float64))
    rise = (step * gradient).flatten(1).sum(dim=1)
    assert torch.allclose(rise, NORMS[NORMS[name].dual].length(gradient))
    assert not NORMS[name].steepest(torch.zeros_like(gradient)).any()


def test_the_steepest_step_of_l0_is_one_pixel():
    _, gradient = given(6)
    step = NORMS["l0"].steepest(gradient)
    assert NORMS["l0"].length(step).tolist() == [1.0] * len(step)
    largest = gradient.flatten(2).abs().sum(dim=1).amax(dim=1)
    assert torch.allclose((step * gradient).flatten(1).sum(dim=1), largest)


@pytest.mark.parametrize("name", NORMS)
def test_float32_is_projected_into_the_box_exactly(name):
    x, p = (part.float() for part in given(7))
    found = NORMS[name].project(x, p, 1.0, Box(0.0, 1.0))
    assert found.dtype == torch.float32
    assert ((found >= 0) & (found <= 1)).all()
