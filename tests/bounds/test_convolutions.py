"""Convolutions against their dense matrices."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv2d, pad

from blindspots.bounds.fourier import spectrum, torus, upper_fourier_norm
from blindspots.bounds.operators import norms, operator_norm, upper_operator_norm
from blindspots.interface import InputError


@st.composite
def convolutions(draw, modes=("zeros",)):
    """A convolution in float64 and an input's shape; strides may exceed the kernel."""
    pair = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731
    groups = draw(st.integers(1, 2))
    channels = groups * draw(st.integers(1, 2))
    layer = nn.Conv2d(
        channels,
        groups * draw(st.integers(1, 3)),
        draw(pair(1, 4)),
        stride=draw(pair(1, 5)),
        padding=draw(pair(0, 2)),
        dilation=draw(pair(1, 2)),
        groups=groups,
        padding_mode=draw(st.sampled_from(modes)),
    ).double()
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    layer.weight.data.normal_(generator=generator)
    shape = (channels, *draw(pair(1, 7)))
    for n, k, p, d in zip(shape[1:], layer.kernel_size, layer.padding, layer.dilation, strict=True):
        assume(n + 2 * p >= d * (k - 1) + 1)
        assume(layer.padding_mode != "reflect" or p < n)
        assume(layer.padding_mode != "circular" or p <= n)
    return layer, shape


def matrix(layer, shape):
    """The operator, column by column."""
    unit = torch.eye(int(np.prod(shape)), dtype=torch.float64).reshape(-1, *shape)
    with torch.no_grad():
        return (layer(unit) - layer(torch.zeros_like(unit))).flatten(1).T.numpy()


def on_torus(layer, shape):
    """The same kernel on the torus."""
    height, width = torus(layer, shape)
    unit = torch.eye(shape[0] * height * width, dtype=torch.float64)
    unit = unit.reshape(-1, shape[0], height, width)
    reach = [δ * (k - 1) for δ, k in zip(layer.dilation, layer.kernel_size, strict=True)]
    wrapped = pad(unit, (0, reach[1], 0, reach[0]), mode="circular")
    with torch.no_grad():
        found = conv2d(wrapped, layer.weight, None, layer.stride, 0, layer.dilation, layer.groups)
    return found.flatten(1).T.numpy()


MODES = ("zeros", "circular", "reflect", "replicate")


@settings(max_examples=60)
@given(convolutions(MODES))
def test_the_norm_is_the_largest_singular_value_of_the_real_operator(given_layer):
    layer, shape = given_layer
    exact = np.linalg.norm(matrix(layer, shape), 2)
    assert operator_norm(layer, shape) == pytest.approx(exact, rel=1e-10, abs=1e-12)
    assert exact <= upper_operator_norm(layer, shape) <= exact * (1 + 1e-8)


@settings(max_examples=60)
@given(convolutions())
def test_the_corrected_formula_is_exact_on_the_torus_which_contains_zero_padding(given_layer):
    layer, shape = given_layer
    singular = np.linalg.svd(on_torus(layer, shape), compute_uv=False)
    found = spectrum(layer, shape)
    assert found.norm == pytest.approx(singular[0], rel=1e-10)
    assert np.linalg.norm(matrix(layer, shape), 2) <= upper_fourier_norm(layer, found.norm)
    height, width = torus(layer, shape)
    injective = len(singular) == shape[0] * height * width
    lowest = singular[-1] if injective else 0
    assert found.frame == pytest.approx(lowest, abs=1e-6 * singular[0])


@settings(max_examples=40)
@given(convolutions(MODES))
def test_a_convolution_too_large_to_write_out_is_bounded_all_the_same(given_layer):
    layer, shape = given_layer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blindspots.bounds.operators.DENSE_SIDE", 0)
        upper = upper_operator_norm(layer, shape)
    assert np.linalg.norm(matrix(layer, shape), 2) <= upper


def test_the_printed_formula_is_too_small_by_the_stride():
    layer = nn.Conv2d(2, 8, 4, stride=4)
    found = norms(layer, (2, 16, 16))
    assert found.printed == pytest.approx(found.fourier / 4)
    assert found.printed < found.value <= found.fourier * (1 + 1e-12)


def test_the_norm_of_groups_is_the_largest_of_theirs():
    layer = nn.Conv2d(4, 4, 3, padding=1, groups=2)
    halves = [nn.Conv2d(2, 2, 3, padding=1) for _ in range(2)]
    for half, weight in zip(halves, layer.weight.data.chunk(2), strict=True):
        half.weight.data = weight
    assert operator_norm(layer, (4, 6, 6)) == pytest.approx(
        max(operator_norm(half, (2, 6, 6)) for half in halves), rel=1e-10
    )


def test_a_large_matrix_is_within_the_tolerance_and_bounded():
    layer = nn.Linear(700, 600)
    exact = np.linalg.norm(layer.weight.detach().double().numpy(), 2)
    found = norms(layer, (700,))
    assert found.value == pytest.approx(exact, rel=1e-9)
    assert exact <= found.upper <= exact * (1 + 1e-7)
    assert found.fourier is None


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Conv2d(2, 3, 3), (1, 8, 8), r"expected 2 inputs, found \(1, 8, 8\)"),
        (nn.Conv2d(2, 3, 5), (2, 3, 8), r"expected an image that the layer takes, found \(2, 3, 8"),
        (nn.Linear(4, 3), (5,), r"expected 4 inputs, found \(5,\)"),
        (nn.ReLU(), (5,), "expected a fully connected layer or a convolution"),
    ],
)
def test_what_does_not_fit_is_named(layer, shape, message):
    with pytest.raises(InputError, match=message):
        operator_norm(layer, shape)


def test_weights_that_are_not_finite_are_refused():
    layer = nn.Conv2d(1, 1, 2)
    layer.weight.data[0, 0, 0, 0] = torch.inf
    with pytest.raises(InputError, match="expected finite weights"):
        operator_norm(layer, (1, 4, 4))


def test_a_kernel_of_zeros_has_norm_0():
    layer = nn.Conv2d(1, 2, 3)
    layer.weight.data.zero_()
    assert norms(layer, (1, 5, 5)) == (0, 0, 0, 0, 0)
