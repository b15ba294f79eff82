import numpy as np
import pytest
import torch
from torch import nn

from blindspots.bounds.graph import exact
from blindspots.bounds.networks import network_bound
from blindspots.bounds.slopes import jacobian_norms, steepest, stretch

LINEAR = nn.Sequential(nn.Flatten(), nn.Linear(6, 3)).double()
IMAGES = torch.rand(8, 1, 2, 3, generator=torch.Generator().manual_seed(0))


def test_on_a_linear_net_all_slopes_are_the_norm_of_its_matrix():
    norm = np.linalg.norm(LINEAR[1].weight.detach().numpy(), 2)
    assert torch.allclose(jacobian_norms(LINEAR, IMAGES), torch.tensor(norm))
    assert steepest(exact(LINEAR, (1, 2, 3)), IMAGES, steps=3) == pytest.approx(norm)
    v = torch.linalg.svd(LINEAR[1].weight)[2][0].view(1, 1, 2, 3)
    assert stretch(LINEAR, IMAGES, IMAGES + 2 * v)[0].item() == pytest.approx(norm)


def test_the_ascent_finds_where_a_sigmoid_is_steepest():
    net = nn.Sequential(nn.Flatten(), nn.Linear(1, 1), nn.Sigmoid(), nn.Linear(1, 1)).double()
    for layer in (net[1], net[3]):
        layer.weight.data.fill_(2.0)
        layer.bias.data.fill_(1.0)
    images = torch.tensor([3.0, 1.0]).view(2, 1, 1, 1)
    assert steepest(exact(net, (1, 1, 1)), images) == pytest.approx(2 * 2 / 4, rel=1e-3)
    assert jacobian_norms(net, images).max() < 0.6


def test_in_a_relu_net_random_steps_find_a_steeper_region():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 30), nn.ReLU(), nn.Linear(30, 3)).double()
    data = jacobian_norms(net, IMAGES).max()
    found = steepest(exact(net, (1, 2, 3)), IMAGES)
    assert data < found <= network_bound(net, (1, 2, 3))


def test_an_image_that_was_not_moved_has_no_slope():
    assert (stretch(LINEAR, IMAGES, IMAGES) == 0).all()
