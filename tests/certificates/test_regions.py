"""Exact distances of tiny networks: certified radii and found distances must meet."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.attacks import closest
from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.regions import least_distance, regions
from blindspots.datasets.spheres import spheres
from blindspots.interface import InputError
from tests.nets import points_in_the_square as points
from tests.nets import relu_net


# Seeds of nets with few local minima: a third of these restarts finds all of the distances.
@pytest.mark.parametrize(("hidden", "seed"), [([8], 1), ([6, 6], 0), ([10, 4], 5)])
def test_on_tiny_relu_nets_certified_and_found_meet_to_a_tenth_of_a_percent(hidden, seed):
    model, images = relu_net(hidden, seed), points(200)
    labels = model(images).argmax(dim=1)
    certified = regions(model, images, labels).radius
    # The certificate has no box, and a success has a margin, which matters for small radii.
    room = torch.minimum(images, 1 - images).flatten(1).amin(dim=1)
    kept = (certified > 0.02) & (certified < room)
    assert kept.sum() > 40
    images, labels, certified = images[kept], labels[kept], certified[kept]
    found = closest(model, images, labels, restarts=60)
    assert found.success.all()
    assert (certified <= found.l2).all()
    assert (found.l2 <= 1.001 * certified).all()
    assert (lipschitz(model, images, labels).radius <= certified).all()


def test_no_point_nearer_than_the_radius_has_another_answer_and_some_beyond_it_has():
    model, images = relu_net([10, 4], 5), points(12)
    labels = model(images).argmax(dim=1)
    angles = torch.linspace(0, 2 * np.pi, 721, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin()], dim=1).view(-1, 1, 1, 2)
    radii = regions(model, images, labels).radius
    assert radii.isfinite().all() and (radii > 0).all()
    for x, y, radius in zip(images, labels, radii, strict=True):
        for share, changes in ((0.999, False), (1.02, True)):
            answers = model(x + share * radius * circle).argmax(dim=1)
            assert bool((answers != y).any()) == changes


def test_an_image_that_the_net_gets_wrong_has_radius_0():
    model, images = relu_net([8], 1), points(20)
    labels = model(images).argmax(dim=1)
    assert (regions(model, images, (labels + 1) % 3).radius == 0).all()


def test_on_a_linear_net_it_is_the_distance_to_the_nearest_plane():
    model = nn.Sequential(nn.Flatten(), nn.Linear(5, 4))
    images = torch.rand(20, 1, 1, 5)
    labels = model(images).argmax(dim=1)
    exact = lipschitz(model, images, labels).radius
    assert torch.allclose(regions(model, images, labels).radius, exact, rtol=1e-6)
    assert (regions(model, images, (labels + 1) % 4).radius == 0).all()


def test_the_shortest_step_over_a_corner_and_none_where_nothing_fits():
    assert least_distance(np.eye(2), np.array([3.0, 4.0])) == pytest.approx(5)
    assert least_distance(np.eye(2), np.array([3.0, -4.0])) == pytest.approx(3)
    assert least_distance(np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])) == np.inf
    assert least_distance(np.zeros((1, 2)), np.array([1.0])) == np.inf


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 2)), "'2' .Sigm"),
        (nn.Sequential(nn.Flatten(), nn.Linear(2, 50), nn.ReLU(), nn.Linear(50, 2)), "at most 40"),
        (nn.Sequential(nn.Flatten(), nn.Linear(2, 2), nn.ReLU()), "expected a linear last layer"),
    ],
)
def test_another_network_is_refused(model, message):
    with pytest.raises(InputError, match=message):
        regions(model, torch.rand(1, 1, 1, 2), torch.tensor([0]))


def test_spheres_are_as_far_apart_as_their_radii():
    data = spheres(dimensions=3, n=400, inner=0.1, outer=0.3)
    images, labels = (np.concatenate([a, b]) for a, b in zip(data.train, data.test, strict=True))
    distance = np.linalg.norm(images.reshape(400, 3) - 0.5, axis=1)
    assert np.allclose(distance, np.where(labels == 1, 0.3, 0.1), atol=1e-6)
    assert images.min() >= 0 and images.max() <= 1
    assert (np.bincount(data.test.labels) == 40).all()
    with pytest.raises(InputError, match="inner < outer"):
        spheres(inner=0.4, outer=0.3)
