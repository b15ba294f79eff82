"""Where the truth is known: certified and found must meet."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots import checkpoints
from blindspots.attacks import closest
from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.regions import least_distance, regions
from blindspots.datasets.spheres import spheres
from blindspots.interface import InputError
from blindspots.trainers.lbfgs import lbfgs as train


@pytest.fixture(scope="module")
def points():
    data = spheres(n=600)
    return (torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels))


def trained(points, hidden, seed):
    settings = {"hidden": hidden, "activation": "relu"}
    model, _ = checkpoints.create("mlp", settings, (1, 1, 2), 2, seed=seed)
    train(model, *points, decay=1e-5, max_iterations=150)
    return model


@pytest.fixture(scope="module")
def relu_net(points):
    return trained(points, [10, 4], 1)


@pytest.mark.parametrize(("hidden", "seed"), [([8], 0), ([6, 6], 0), ([10, 4], 4)])
def test_on_tiny_relu_nets_certified_and_found_meet_to_a_tenth_of_a_percent(points, hidden, seed):
    # In float64: the nets' large weights cancel, and float32 finds successes that are none.
    model = trained(points, hidden, seed).double()
    images, labels = points[0][:60].double(), points[1][:60]
    certified = regions(model, images, labels).radius
    found = closest(model, images, labels, restarts=60)
    assert found.success.all()
    assert (certified <= found.l2).all()
    assert (found.l2 <= 1.001 * certified)[certified > 0].all()
    assert (certified > 0).double().mean() > 0.9
    assert (lipschitz(model, images, labels).radius <= certified).all()


def test_no_point_nearer_than_the_radius_has_another_answer_and_some_beyond_it_has(
    relu_net, points
):
    images, labels = (t[:8] for t in points)
    angles = torch.linspace(0, 2 * np.pi, 721)
    circle = torch.stack([angles.cos(), angles.sin()], dim=1).view(-1, 1, 1, 2)
    for x, y, radius in zip(images, labels, regions(relu_net, images, labels).radius, strict=True):
        for share, changes in ((0.999, False), (1.02, True)):
            answers = relu_net(x + share * radius.float() * circle).argmax(dim=1)
            assert bool((answers != y).any()) == changes or radius == 0


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
