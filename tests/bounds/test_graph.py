"""Forwards that are supported, and forwards whose bounds would be wrong."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots.bounds.chains import chain
from blindspots.bounds.graph import steps
from blindspots.bounds.networks import METHODS, bound, network_bound
from blindspots.interface import InputError

SHAPE = (8,)


class Net(nn.Module):
    """Three layers for a test's own `forward`."""

    def __init__(self, forward):
        super().__init__()
        torch.manual_seed(0)
        self.p, self.q, self.r = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.relu = nn.ReLU(inplace=True)
        self.way = forward

    def forward(self, x):
        return self.way(self, x)


def net(forward):
    return Net(forward).double().eval()


def steepest(model, scale=1.0):
    """The largest norm among Jacobians at random points."""
    generator = torch.Generator().manual_seed(1)
    x = scale * torch.randn(300, *SHAPE, generator=generator, dtype=torch.float64)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: model(one[None])[0]))(x)
    return float(torch.linalg.matrix_norm(jacobian, ord=2).max())


def discarded(self, x):
    z = functional.relu(self.p(x))
    y = self.r(z)
    0.01 * self.q(z)  # an auxiliary head
    return y


def in_place(self, x):
    return self.r(self.relu(self.p(x)))


def residual(self, x):
    out = self.q(functional.relu(self.p(x)))
    out += x
    return self.r(self.relu(out))


def sizes(self, x):
    return self.r(x.view(x.shape[0], x.shape[1:].numel()))


def by_keyword(self, x):
    return self.r(functional.gelu(input=torch.div(input=x, other=0.3)))


RIGHT = [discarded, in_place, residual, sizes, by_keyword]


@pytest.mark.parametrize("forward", RIGHT)
def test_no_point_is_steeper_than_the_bound(forward):
    model = net(forward)
    found = network_bound(model, SHAPE)
    with torch.no_grad():
        assert 0.2 * found < steepest(model) <= found


@pytest.mark.parametrize("forward", [discarded, in_place])
def test_the_bound_is_that_of_what_is_returned(forward):
    model = net(forward)
    found = chain(model, SHAPE)
    assert [W.shape for W in (*found.hidden, found.last)] == [(8, 8), (3, 8)]
    assert all(step.path != "q" for step in steps(model, SHAPE))


def scaled_in_place(self, x):
    h = self.p(x)
    h.mul_(50.0)
    return self.r(h)


def alias(self, x):
    i = self.p(x)
    o = i
    o += self.q(i)
    return self.r(i + o)


def view_changed(self, x):
    h = self.p(x)
    functional.relu(h.view(-1, 8), inplace=True)
    return self.r(h)


def across_images(self, x):
    y = x.view(-1, 2, 4).permute(1, 0, 2)
    return (y + y[:1]).permute(1, 0, 2).flatten(1)


def of_the_first_image(self, x):
    return self.r(x + x[:1])


def rounded(self, x):
    return self.r((1e3 * x).to(torch.int32).double())


def lower_precision(self, x):
    return self.r(self.p(x).float().double())


def several(self, x):
    return self.r(x), self.q(x)


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (scaled_in_place, "changed in place to be used no more, found a later use"),
        (alias, r"expected a forward that computes what its trace .* write x = x \+ y"),
        (view_changed, "changed in place"),
        (across_images, "expected a result for each image"),
        (of_the_first_image, "for each image by itself"),
        (rounded, "of the images' type"),
        (lower_precision, "of the images' type"),
        (several, "returns one tensor made of the images"),
        (lambda self, x: self.r(x.squeeze()), "expected a result for each image"),
        (lambda self, x: self.r(x[:, 20]), r"getitem\): expected an input that the layer takes"),
        (lambda self, x: self.r(functional.hardtanh(x, 1.0, 0.0)), "arguments of Hardtanh"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_what_would_make_a_bound_wrong_is_refused(forward, message, method):
    with pytest.raises(InputError, match=message) as raised:
        bound(net(forward), SHAPE, method)
    assert "\n" not in str(raised.value)


def test_a_constant_over_the_images_is_no_scaling():
    for method in METHODS:
        with pytest.raises(InputError, match="truediv"):
            bound(net(lambda self, x: self.r(functional.relu(self.p(1.0 / x)))), SHAPE, method)


def test_constants_are_those_that_the_network_computes_with():
    model = net(lambda self, x: self.r((x - 0.7) * 0.3 / 0.9))
    exact = np.linalg.norm(model.r.weight.detach().numpy() * 0.3 / 0.9, 2)
    for method in METHODS:
        assert exact <= network_bound(model, SHAPE, method) <= exact * (1 + 2e-9)


def test_logits_that_cancel_at_an_image_that_is_tried_are_no_reason_to_refuse():
    pixels, generator = 784, torch.Generator().manual_seed(0)
    tried = torch.rand(1, pixels, generator=generator)  # the first of them
    layer = nn.Linear(pixels, 2)
    with torch.no_grad():
        layer.weight[1] = -layer.weight[0]
        layer.bias[0] = -(layer.weight[0].double() @ tried[0].double())
        layer.bias[1] = -layer.bias[0]
        assert layer(tried).abs().max() < 1e-5
    exact = np.linalg.norm(layer.weight.detach().double().numpy(), 2)
    assert network_bound(layer, (pixels,)) == pytest.approx(exact)
    other = nn.Sequential(layer, nn.Identity())
    other.forward = lambda x: layer(x) * 1.001
    with pytest.raises(InputError):
        network_bound(other, (pixels,))


def test_hooks_which_may_change_what_is_computed_are_refused():
    model = net(in_place)
    model.p.register_forward_hook(lambda module, given, output: 100 * output)
    with pytest.raises(InputError, match=r"layer 'p' \(Linear\): expected no hooks"):
        network_bound(model, SHAPE)
