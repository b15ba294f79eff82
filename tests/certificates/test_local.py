"""Radii certified on balls are never above attacks' distances or below global radii."""

import pytest
import torch
from torch import nn

from blindspots.attacks import closest
from blindspots.bounds.local import METHODS
from blindspots.certificates.lipschitz import lipschitz
from blindspots.certificates.local import local
from blindspots.files import weights
from blindspots.interface import InputError
from blindspots.trainers.lbfgs import lbfgs as train


@pytest.fixture(scope="module", params=["relu", "sigmoid", "tanh"])
def net(request, digits):
    model, _ = weights.create(
        "mlp", {"hidden": [30, 20], "activation": request.param}, (1, 8, 8), 10, seed=1
    )
    train(model, *digits, decay=1e-4, max_iterations=60)
    return model.eval()


@pytest.mark.parametrize("bound", METHODS)
def test_a_radius_is_below_what_is_found_and_not_below_that_of_the_whole_space(net, digits, bound):
    images, labels = (t[:40] for t in digits)
    found = closest(net, images, labels)
    near = local(net, images, labels, bound=bound).radius
    everywhere = lipschitz(net, images, labels, bound=bound).radius
    assert (near[found.success] <= found.l2[found.success]).all()
    assert (near >= everywhere * (1 - 1e-6)).all()
    assert near.median() > 1.05 * everywhere.median()


def test_a_wrong_answer_has_radius_0(net, digits):
    images = digits[0][:10]
    wrong = (net(images).argmax(dim=1) + 1) % 10
    assert (local(net, images, wrong).radius == 0).all()


def test_on_a_linear_network_it_is_the_distance_to_the_nearest_plane():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    images = torch.rand(20, 1, 8, 8)
    labels = model(images).argmax(dim=1)
    exact = lipschitz(model, images, labels).radius
    assert torch.allclose(local(model, images, labels).radius, exact, rtol=1e-6)


def test_another_bound_and_a_network_that_is_no_chain_are_refused():
    images, labels = torch.rand(2, 1, 8, 8), torch.tensor([0, 1])
    model = nn.Sequential(nn.MaxPool2d(3, 1), nn.Flatten(), nn.Linear(36, 2)).eval()
    with pytest.raises(InputError, match="expected one of product, eclipse, found 'lipsdp'"):
        local(model, images, labels, bound="lipsdp")
    with pytest.raises(InputError, match=r"layer '0' \(MaxPool2d\): expected a chain"):
        local(model, images, labels)
