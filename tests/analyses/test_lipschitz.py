import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from blindspots.analyses.lipschitz import layer_bounds, network_bound, operator_norm
from blindspots.interface import InputError


@settings(max_examples=30)
@given(inputs=st.integers(1, 30), outputs=st.integers(1, 30), seed=st.integers(0, 50))
def test_the_norm_of_a_linear_layer_is_its_largest_singular_value(inputs, outputs, seed):
    layer = nn.Linear(inputs, outputs)
    generator = torch.Generator().manual_seed(seed)
    layer.weight.data = torch.randn(outputs, inputs, generator=generator)
    gram = layer.weight.detach().double() @ layer.weight.detach().double().T
    largest = np.sqrt(np.linalg.eigvalsh(gram.numpy())[-1])
    assert operator_norm(layer, (inputs,)) == pytest.approx(largest, rel=1e-12)
    (bound,) = layer_bounds(nn.Sequential(layer), (inputs,))
    assert bound.bound >= operator_norm(layer, (inputs,))


def test_a_network_is_bounded_by_the_product_with_a_quarter_for_each_sigmoid(sigmoid_net):
    norms = [operator_norm(layer, (layer.in_features,)) for layer in sigmoid_net[1::2]]
    expected = np.prod(norms) / 4**2
    assert network_bound(sigmoid_net, (1, 8, 8)) == pytest.approx(expected, rel=1e-10)


def test_no_pair_of_images_is_stretched_by_more_than_the_bound(sigmoid_net, digits):
    images = digits[0][:400]
    with torch.no_grad():
        logits = sigmoid_net(images).double()
    stretch = torch.pdist(logits) / torch.pdist(images.flatten(1).double())
    assert stretch.max() <= network_bound(sigmoid_net, (1, 8, 8))


def test_layers_are_named_by_their_path_and_size():
    model = nn.Sequential()
    model.add_module("front", nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh()))
    model.add_module("head", nn.Linear(3, 2))
    found = [(b.layer, b.kind, b.inputs, b.outputs) for b in layer_bounds(model, (1, 2, 2))]
    assert found == [
        ("front.0", "Flatten", 4, 4),
        ("front.1", "Linear", 4, 3),
        ("front.2", "Tanh", 3, 3),
        ("head", "Linear", 3, 2),
    ]


class Doubled(nn.Linear):
    """A layer whose type says nothing about its function."""

    def forward(self, x):
        return 2 * super().forward(x)


class Residual(nn.Sequential):
    """Parts in a row that are not applied one after the other."""

    def forward(self, x):
        return x + super().forward(x)


def test_a_subclass_that_computes_otherwise_has_no_known_bound():
    with pytest.raises(InputError, match=r"layer '1\.linear' \(linear\): expected [^\n]*$"):
        network_bound(nn.Sequential(nn.Flatten(), Doubled(4, 4)), (1, 2, 2))


def test_a_residual_block_is_bounded_by_one_more_than_its_branch():
    branch = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    block = network_bound(nn.Sequential(nn.Flatten(), Residual(*branch)), (1, 2, 2))
    assert block == pytest.approx(1 + network_bound(branch, (4,)), rel=1e-12)


def test_a_layer_that_is_applied_twice_counts_twice():
    layer = nn.Linear(4, 4)
    once, twice = (nn.Sequential(nn.Flatten(), *[layer] * n) for n in (1, 2))
    assert len(layer_bounds(twice, (1, 2, 2))) == 3
    squared = network_bound(once, (1, 2, 2)) ** 2
    assert network_bound(twice, (1, 2, 2)) == pytest.approx(squared, rel=1e-14)


def test_a_layer_without_a_known_bound_is_an_error_that_names_it():
    model = nn.Sequential(nn.ConvTranspose2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 2))
    with pytest.raises(InputError, match=r"layer '0' \(ConvTranspose2d\)"):
        layer_bounds(model, (1, 4, 4))


def test_weights_that_are_not_finite_are_refused_by_path():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    model[1].weight.data[0, 0] = torch.nan
    with pytest.raises(InputError, match=r"layer '1' \(Linear\): expected finite weights"):
        network_bound(model, (1, 2, 2))
