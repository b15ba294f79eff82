"""Layers that are called as functions have the bounds of their modules."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots.bounds.networks import layer_bounds
from blindspots.interface import InputError


class Calls(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


def bounds(model):
    return [(layer.kind, layer.bound) for layer in layer_bounds(model.eval(), (2, 6, 6))]


@pytest.mark.parametrize(
    ("call", "module"),
    [
        (lambda x: functional.max_pool2d(x, 3, 2), nn.MaxPool2d(3, 2)),
        (lambda x: functional.max_pool2d(x, kernel_size=2), nn.MaxPool2d(2)),
        (lambda x: torch.max_pool2d(x, 3, 1, 1), nn.MaxPool2d(3, 1, 1)),
        (lambda x: functional.max_pool2d(x, 3, 2, 0, 1, True), nn.MaxPool2d(3, 2, ceil_mode=True)),
        (lambda x: functional.avg_pool2d(x, 3, 1, 1), nn.AvgPool2d(3, 1, 1)),
        (lambda x: functional.adaptive_avg_pool2d(x, (2, 3)), nn.AdaptiveAvgPool2d((2, 3))),
        (lambda x: functional.adaptive_max_pool2d(x, 4), nn.AdaptiveMaxPool2d(4)),
        (lambda x: functional.gelu(x), nn.GELU()),
        (lambda x: functional.leaky_relu(x, 1.5), nn.LeakyReLU(1.5)),
        (lambda x: functional.elu(x, alpha=2.0, inplace=False), nn.ELU(2.0)),
        (lambda x: functional.softmax(x, dim=1), nn.Softmax(1)),
        (lambda x: functional.local_response_norm(x, 2, k=2.0), nn.LocalResponseNorm(2, k=2.0)),
    ],
)
def test_a_call_has_the_bound_of_its_module(call, module):
    assert bounds(Calls(call)) == bounds(nn.Sequential(module))


def test_dropout_by_a_call_must_follow_the_model_s_mode():
    left_out = Calls(lambda x: functional.dropout(x, 0.3, training=False))
    assert bounds(left_out) == [("Identity", 1.0)]
    with pytest.raises(InputError, match=r"\(dropout\): expected dropout that is left out"):
        bounds(Calls(functional.dropout))


class Called(nn.Module):
    """A network in a common style."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(2, 3, 3), nn.Linear(12, 4)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv(x)), 2)
        x = functional.dropout(x, training=self.training)
        return self.head(torch.flatten(x, 1))


def test_a_network_of_calls_has_the_bound_of_one_of_modules():
    called = Called()
    layers = [called.conv, nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(), called.head]
    expected = bounds(nn.Sequential(*layers))
    assert [bound for _, bound in bounds(called)] == [bound for _, bound in expected]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: torch.cat(x.chunk(2, dim=1), dim=1),
        lambda x: 5 * x.max(dim=1)[0],
        lambda x: functional.max_pool2d(x, 2, return_indices=True)[0],
        lambda x: x * x.amax().item(),
    ],
)
def test_what_makes_several_tensors_or_a_number_of_them_is_refused(call):
    with pytest.raises(InputError, match="expected"):
        bounds(Calls(call))


def test_sizes_may_be_asked_for():
    assert bounds(Calls(lambda x: x.view(x.size(0), -1))) == [("view", 1.0)]
    assert bounds(Calls(lambda x: x.reshape(x.shape[0], x.shape[1], -1))) == [("reshape", 1.0)]
