"""Bounds on balls: against slopes found in them, and against the bounds that hold everywhere."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.bounds.chains import chain
from blindspots.bounds.local import EVERYWHERE, METHODS, centres, radii, slopes
from blindspots.bounds.networks import bound
from tests.bounds.test_chains import NETS, SHAPE


def images(n=6):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def seen(net, x, labels):
    network = chain(net, SHAPE)
    with torch.no_grad():
        logits = net(x).numpy()
    return network, centres(network, x.flatten(1).numpy(), logits, labels)


def slopes_found(net, x, radius, label):
    """Return the largest gradients of logit differences at random points of a ball."""
    generator = torch.Generator().manual_seed(0)
    step = torch.randn(200, x.numel(), generator=generator, dtype=torch.float64)
    step *= radius / step.norm(dim=1, keepdim=True)
    points = x + (step * torch.rand(200, 1, generator=generator)).view(-1, *SHAPE)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: net(one[None])[0]))(points)
    gradients = (jacobian[:, [label]] - jacobian).flatten(2)
    return gradients.norm(dim=2).amax(dim=0).detach().numpy()


class Normalised(nn.Sequential):
    def forward(self, x):
        return super().forward((x - 0.3) / 0.7 * 1.3)


NETS = NETS | {"normalised": Normalised(*NETS["deep"])}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("radius", [0.01, 0.3, 3.0])
def test_nothing_in_the_ball_is_steeper_than_its_bounds(name, method, radius):
    x, labels = images(), np.array([0, 1, 2, 0, 1, 2])
    network, at = seen(NETS[name], x, labels)
    bounds = slopes(network, at, np.full(len(x), radius), method)
    for one, label, allowed in zip(x, labels, bounds, strict=True):
        assert (slopes_found(NETS[name], one, radius, label) <= allowed * (1 + 1e-9)).all()
        assert allowed[label] == 0


@pytest.mark.parametrize("name", NETS)
def test_everywhere_they_are_the_bounds_of_the_network_and_in_smaller_balls_no_larger(name):
    x, labels = images(), np.array([0, 1, 2, 0, 1, 2])
    network, at = seen(NETS[name], x, labels)
    everywhere = slopes(network, at, np.full(len(x), EVERYWHERE), "eclipse")
    assert np.allclose(everywhere, bound(NETS[name], SHAPE, "eclipse").logits[labels], rtol=1e-5)
    last = everywhere
    for radius in (1.0, 0.1, 0.001):
        found = slopes(network, at, np.full(len(x), radius), "product")
        closer = slopes(network, at, np.full(len(x), radius), "eclipse")
        assert (closer <= last * (1 + 1e-9)).all() and (closer <= found * (1 + 1e-9)).all()
        last = closer


def test_where_every_unit_is_on_the_radius_is_the_distance_to_the_plane():
    torch.manual_seed(0)
    hidden, last = nn.Linear(16, 16), nn.Linear(16, 3)
    nn.init.orthogonal_(hidden.weight)
    nn.init.constant_(hidden.bias, 50.0)
    net = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), last).double()
    x = images()
    with torch.no_grad():
        logits = net(x).numpy()
        rows = (last.weight @ hidden.weight).numpy()
    labels = logits.argmax(axis=1)
    network, at = seen(net, x, labels)
    margins = logits[np.arange(6), labels][:, None] - logits
    normals = np.linalg.norm(rows[labels][:, None] - rows, axis=2)
    normals[np.arange(6), labels] = np.nan
    assert np.allclose(radii(network, at, "product"), np.nanmin(margins / normals, axis=1))


def test_a_ball_in_which_every_unit_is_off_has_no_slope():
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    nn.init.constant_(net[1].bias, -50.0)
    network, at = seen(net, images(2), np.array([0, 1]))
    for method in METHODS:
        assert slopes(network, at, np.full(2, 0.1), method).max() == pytest.approx(0, abs=1e-100)
