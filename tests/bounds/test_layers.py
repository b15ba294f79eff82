"""Bounds of layers against the steepest slopes that a search finds, and against known ones."""

from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.bounds import layers, operators
from blindspots.bounds.matrices import largest_singular_value, upper_norm
from blindspots.bounds.networks import layer_bounds
from blindspots.interface import InputError
from blindspots.layers import ContrastNormalisation

SHAPE = (4, 6, 6)
BATCH_NORM = nn.BatchNorm2d(4)
BATCH_NORM.weight.data = torch.tensor([0.5, -3.0, 1.0, 2.0])
BATCH_NORM.running_var = torch.tensor([0.1, 4.0, 1.0, 0.5])

LAYERS = {
    "max pooling": nn.MaxPool2d(2),
    "overlapping max pooling": nn.MaxPool2d(3, stride=2),
    "dilated max pooling": nn.MaxPool2d(2, stride=1, dilation=2, padding=1),
    "max pooling with a last part": nn.MaxPool2d(4, stride=3, ceil_mode=True),
    "adaptive max pooling": nn.AdaptiveMaxPool2d(4),
    "average pooling": nn.AvgPool2d(2),
    "overlapping average pooling": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "adaptive average pooling": nn.AdaptiveAvgPool2d(4),
    "batch normalisation": BATCH_NORM.eval(),
    "local response normalisation": nn.LocalResponseNorm(3, alpha=3.0, k=0.5),
    "steep local response normalisation": nn.LocalResponseNorm(2, alpha=40.0, beta=2.0),
    "contrast normalisation": ContrastNormalisation(0.1, 0.8),
    "softmax": nn.Softmax(dim=1),
    "ReLU": nn.ReLU(),
    "leaky ReLU": nn.LeakyReLU(1.5),
    "ELU": nn.ELU(2.0),
    "GELU": nn.GELU(),
    "GELU by tanh": nn.GELU("tanh"),
    "SiLU": nn.SiLU(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "softplus": nn.Softplus(3.0, threshold=40.0),
    "ReLU6": nn.ReLU6(),
    "dropout": nn.Dropout().eval(),
}


def bound(layer, shape=SHAPE):
    return layer_bounds(nn.Sequential(layer), shape)[-1].product


def steepest(layer, scales=(0.05, 0.3, 1.0, 3.0)):
    """The largest Jacobian norm at some random points."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for scale in scales:
        x = scale * torch.randn(1, *SHAPE, generator=generator, dtype=torch.float64)
        jacobian = torch.autograd.functional.jacobian(layer, x)
        found.append(np.linalg.norm(jacobian.reshape(-1, x.numel()).numpy(), 2))
    return max(found)


@pytest.mark.parametrize("name", LAYERS)
def test_no_jacobian_is_steeper_than_the_bound(name):
    layer = LAYERS[name].double()
    assert steepest(layer) <= bound(layer) * (1 + 1e-12)


EXACT = {
    "max pooling": 1,
    "overlapping max pooling": 2,  # a pixel is in 2 × 2 windows
    "average pooling": 1 / 2,
    "batch normalisation": max(0.5 / sqrt(0.1), 3 / 2, 1, 2 / sqrt(0.5)),
    "contrast normalisation": 0.1**-0.8,
    "softmax": 1 / 2,
    "sigmoid": 1 / 4,
    "GELU": 1.1289,
    "leaky ReLU": 1.5,
    "ELU": 2,
}


@pytest.mark.parametrize("name", EXACT)
def test_it_is_the_known_constant(name):
    assert bound(LAYERS[name]) == pytest.approx(EXACT[name], rel=2e-4)


def test_max_pooling_reaches_the_bound_where_one_pixel_is_in_all_its_windows():
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 1.0
    pool = nn.MaxPool2d(3, stride=2)
    assert (pool(2 * x) - pool(x)).norm() == pytest.approx(bound(pool, (1, 5, 5)), rel=1e-6)


@pytest.mark.parametrize("name", ["overlapping average pooling", "adaptive average pooling"])
def test_average_pooling_has_the_norm_of_its_matrix_and_schurs_test_is_above_it(name):
    layer = LAYERS[name].double()
    exact = steepest(layer)
    assert bound(layer) == pytest.approx(exact, rel=1e-9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blindspots.bounds.layers.DENSE_SIDE", 0)
        assert exact <= bound(layer) <= 1.5 * exact


def test_a_layer_is_bounded_once_and_anew_when_its_weights_or_its_settings_are_others(monkeypatch):
    found, norm = [], layers.upper_operator_norm
    monkeypatch.setattr(layers, "_PROVEN", {})
    monkeypatch.setattr(layers, "upper_operator_norm", lambda *of: found.append(of) or norm(*of))
    layer, strided = nn.Conv2d(4, 5, 3), nn.Conv2d(4, 5, 3, stride=2)
    strided.weight = layer.weight
    once = bound(layer)
    assert (bound(layer), len(found)) == (once, 1)
    assert bound(strided) == pytest.approx(norm(strided, SHAPE))
    assert bound(layer, (4, 5, 5)) == pytest.approx(norm(layer, (4, 5, 5)))
    layer.weight.data *= 2
    assert (bound(layer), len(found)) == (pytest.approx(2 * once), 4)


class Residual(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return torch.relu(x + self.norm(self.second(torch.relu(self.first(x)))))


def test_large_convolutions_of_a_deep_network_are_never_written_out(monkeypatch):
    torch.manual_seed(0)
    widths = (8, 16, 32)  # with 8192, 4096 and 2048 numbers in each layer
    parts = [nn.Conv2d(3, 8, 3, padding=1)]
    for width in widths:
        parts += [Residual(width) for _ in range(3)]
        if width < widths[-1]:
            parts.append(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1))
    net = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)).eval()
    written = []
    monkeypatch.setattr(operators, "dense_matrix", lambda *of: written.append(of) or np.eye(1))
    assert len(layer_bounds(net, (3, 32, 32))) == 60
    assert written == []


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3, 0.4]).view(4, 1, 1))
        self.register_buffer("std", torch.tensor([0.5, 0.2, 0.25, 1.0]).view(4, 1, 1))

    def forward(self, x):
        return (x - self.mean) / self.std


def test_an_inputs_normalisation_is_as_steep_as_its_smallest_deviation():
    assert bound(Normalised()) == pytest.approx(1 / 0.2, rel=1e-6)


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, x):
        both = torch.cat([self.left(x), torch.relu(self.right(x))], dim=1)
        return 2 * both.view(x.size(0), -1) - 1


def test_branches_that_are_concatenated_add_by_squares():
    net = Branches()
    left, right = (
        largest_singular_value(m.weight.detach().double().numpy()) for m in (net.left, net.right)
    )
    assert bound(net, (5,)) == pytest.approx(2 * sqrt(left**2 + right**2), rel=1e-9)


class Repeated(nn.Module):
    def forward(self, x):
        return x[:, [0, 0]]


class Broadcast(nn.Module):
    def forward(self, x):
        return x + x[:, :1]


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Repeated(), r"layer '0.getitem' \(getitem\)"),
        (Broadcast(), r"layer '0.add' \(add\)"),
        (Branching(), "expected a forward that torch.fx can trace"),
        (nn.Sequential(nn.Identity(), nn.LSTM(6, 2)), r"layer '0.1' \(LSTM\)"),
        (nn.Dropout(), "expected a model in evaluation mode"),
        (nn.BatchNorm2d(4), "expected a model in evaluation mode"),
        (nn.BatchNorm2d(4, track_running_stats=False).eval(), "running statistics"),
        (nn.LocalResponseNorm(2, k=0), "expected k above 0"),
    ],
)
def test_what_has_no_known_bound_is_an_error_of_one_line(net, message):
    with pytest.raises(InputError, match=message) as raised:
        bound(net)
    assert "\n" not in str(raised.value)


def test_contrast_normalisation_refuses_exponents_that_have_no_bound():
    with pytest.raises(InputError, match="gamma"):
        ContrastNormalisation(1.0, 2.0)


@pytest.mark.parametrize("side", [1, 5, 300])
def test_a_proven_bound_is_above_and_next_to_the_norm(side):
    matrix = np.random.default_rng(side).standard_normal((side, 2 * side))
    exact = np.linalg.norm(matrix, 2)
    assert exact <= upper_norm(matrix) <= exact * (1 + 1e-8)


def test_a_proof_does_not_rest_on_the_estimate(monkeypatch):
    monkeypatch.setattr("blindspots.bounds.matrices.largest_eigenvalue", lambda gram: 0.5)
    matrix = np.diag([1.0, 2.0, 3.0])
    assert upper_norm(matrix) >= 3
