import numpy as np
import pytest
import torch
from torch import nn

from blindspots.files import weights
from blindspots.interface import InputError
from blindspots.measurements.units.activations import activations, layers


def lenet():
    return weights.create("lenet", {}, (1, 28, 28), 10)[0]


def test_all_layers_are_activations_and_what_has_weights_with_their_place():
    found = layers(lenet(), torch.zeros(1, 1, 28, 28))
    assert [(layer.name, layer.kind, layer.place, layer.units) for layer in found] == [
        ("0", "Conv2d", "before", 6), ("1", "ReLU", "after", 6),
        ("3", "Conv2d", "before", 16), ("4", "ReLU", "after", 16),
        ("7", "Linear", "before", 120), ("8", "ReLU", "after", 120),
        ("9", "Linear", "before", 84), ("10", "ReLU", "after", 84),
        ("11", "Linear", "neither", 10),
    ]  # fmt: skip


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with pytest.raises(InputError, match=r"network \(0, 1, 2, 3\), found '5', which is not one"):
        layers(net, torch.zeros(1, 4), ["1", "5"])
    assert [layer.name for layer in layers(net, torch.zeros(1, 4), ["2"])] == ["2"]


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()

    def forward(self, x):
        return self.relu(self.second(self.relu(self.first(x))))


def test_a_module_that_is_applied_twice_has_no_one_output():
    assert [layer.name for layer in layers(Twice(), torch.zeros(1, 4))] == ["first", "second"]
    with pytest.raises(InputError, match="'relu', which is applied more than once"):
        layers(Twice(), torch.zeros(1, 4), ["relu"])


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_activations_are_the_outputs_pooled_whatever_the_chunk(pool):
    net, images = lenet(), torch.rand(7, 1, 28, 28)
    found = activations(net, images.split(3), ["0", "1", "9"], pool)
    maps = net[0](images).detach()
    pooled = maps.mean(dim=(2, 3)) if pool == "mean" else maps.amax(dim=(2, 3))
    assert np.allclose(found["0"], pooled, atol=1e-6)
    relu = maps.relu().mean(dim=(2, 3)) if pool == "mean" else maps.relu().amax(dim=(2, 3))
    assert np.allclose(found["1"], relu, atol=1e-6)
    assert np.allclose(found["9"], net[:10](images).detach(), atol=1e-5)


def test_what_lies_before_a_nonlinearity_that_works_in_place_is_left_as_it_was():
    plain, in_place = (
        nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=inplace)) for inplace in (False, True)
    )
    in_place.load_state_dict(plain.state_dict())
    images = torch.randn(6, 4)
    expected = plain[0](images).detach()
    assert [layer.place for layer in layers(in_place, images[:1])] == ["before", "after"]
    found = activations(in_place, [images], ["0", "1"])
    assert np.array_equal(found["0"], expected)
    assert np.array_equal(found["1"], expected.relu())
    assert (expected < 0).any()


def test_activations_that_are_not_finite_are_named_with_their_layer():
    net = nn.Sequential(nn.Linear(2, 2))
    nn.init.constant_(net[0].weight, torch.inf)
    with pytest.raises(InputError, match="layer '0': expected finite activations"):
        activations(net, [torch.ones(1, 2)], ["0"])


def test_no_hook_stays_behind():
    net = lenet()
    layers(net, torch.zeros(1, 1, 28, 28))
    activations(net, [torch.zeros(1, 1, 28, 28)], ["0"])
    assert not any(module._forward_hooks for module in net.modules())


def test_what_works_on_tokens_is_no_layer_since_its_units_are_along_the_last_axis():
    net = nn.Sequential(nn.Linear(4, 6), nn.Flatten(), nn.Linear(30, 2))
    assert [layer.name for layer in layers(net, torch.zeros(1, 5, 4))] == ["2"]
    with pytest.raises(InputError, match=r"layers of this network \(1, 2\), found '0'"):
        layers(net, torch.zeros(1, 5, 4), ["0"])
