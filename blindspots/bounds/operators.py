"""Norms of the real linear operators that layers apply: strided, padded, dilated, in groups."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator
from torch import Tensor, nn
from torch.nn import functional

from blindspots.bounds.fourier import spectrum, upper_fourier_norm
from blindspots.bounds.matrices import UNIT, largest_eigenvalue, largest_singular_value, upper_norm
from blindspots.bounds.unmodified import check_unmodified, unmodified
from blindspots.interface import UnsupportedError

DENSE_SIDE, DENSE_ENTRIES = 1536, 2**27
"""A convolution with a smaller side and fewer entries than these is written out as a matrix.

A larger one is bounded by its frequencies on a torus: this is much faster, and little above the
norm, since the torus is little larger than the image.
"""


class Norms(NamedTuple):
    """Bounds on the norm of a linear layer.

    Attributes:
        value: the largest singular value of the real operator; a lower bound by Lanczos if large.
        upper: proven upper bound on it.
        fourier: norm of a convolution on a torus (see `bounds.fourier.Spectrum`).
        printed: the same with the factor that the paper prints.
        frame: lower frame bound of a convolution on the torus.
    """

    value: float
    upper: float
    fourier: float | None = None
    printed: float | None = None
    frame: float | None = None


def norms(layer: nn.Module, input_shape: Sequence[int]) -> Norms:
    """Bounds on the norm of a linear layer, and its value if that is exact.

    Args:
        layer: `nn.Linear` or `nn.Conv2d`.
        input_shape: shape of one input, without the batch.

    Returns:
        Its norm, a proven bound on it, and for a convolution its norms on a torus.

    Raises:
        UnsupportedError: another layer, weights that are not finite, or an input that does not fit.
    """
    layer = _checked(layer, input_shape)
    value = operator_norm(layer, input_shape)
    if not isinstance(layer, nn.Conv2d):
        return Norms(value, upper_operator_norm(layer, input_shape))
    torus = spectrum(layer, input_shape)
    if layer.padding_mode == "zeros" and not _is_small(layer, input_shape):
        return Norms(value, upper_fourier_norm(layer, torus.norm), *torus)
    return Norms(value, upper_operator_norm(layer, input_shape), *torus)


def operator_norm(layer: nn.Module, input_shape: Sequence[int]) -> float:
    """Largest singular value of the operator that a layer applies to one input, in float64.

    Args:
        layer: `nn.Linear`, or `nn.Conv2d` with any stride, padding, dilation and groups.
        input_shape: shape of one input, without the batch.

    Returns:
        The norm; a lower bound if it is found by Lanczos.

    Raises:
        UnsupportedError: another layer, weights that are not finite, or an input that does not fit.
    """
    layer = _checked(layer, input_shape)
    if isinstance(layer, nn.Linear):
        return largest_singular_value(_matrix(layer))
    forward, adjoint, inputs, outputs = _operator(layer, input_shape)
    first, second = (forward, adjoint) if inputs <= outputs else (adjoint, forward)
    side = min(inputs, outputs)

    def gram(x: np.ndarray) -> np.ndarray:
        return second(first(torch.from_numpy(x.reshape(1, -1)))).numpy().ravel()

    operator = LinearOperator((side, side), matvec=gram, dtype=np.float64)
    return sqrt(largest_eigenvalue(operator))


def upper_operator_norm(layer: nn.Module, input_shape: Sequence[int]) -> float:
    """Proven upper bound on `operator_norm`, on which certificates rely.

    Small operators are written out as matrices; a large convolution is a part of one on a torus.

    Args:
        layer: layer that `operator_norm` supports.
        input_shape: shape of one input, without the batch.

    Returns:
        The bound.

    Raises:
        UnsupportedError: the errors of `operator_norm`.
    """
    layer = _checked(layer, input_shape)
    if isinstance(layer, nn.Linear):
        return upper_norm(_matrix(layer))
    assert isinstance(layer, nn.Conv2d)
    if _is_small(layer, input_shape):
        return upper_norm(dense_matrix(layer, input_shape))
    if layer.padding_mode == "zeros":
        return upper_fourier_norm(layer, spectrum(layer, input_shape).norm)
    padding = layer._reversed_padding_repeated_twice  # of width, then of height
    padded = input_shape[0], input_shape[1] + sum(padding[2:]), input_shape[2] + sum(padding[:2])
    unpadded = upper_fourier_norm(layer, spectrum(layer, padded).norm)
    return unpadded * padding_norm(layer, input_shape) * (1 + 4 * UNIT)


def _is_small(layer: nn.Conv2d, input_shape: Sequence[int]) -> bool:
    _, _, inputs, outputs = _operator(layer, input_shape)
    return min(inputs, outputs) <= DENSE_SIDE and inputs * outputs <= DENSE_ENTRIES


def padding_norm(layer: nn.Conv2d, input_shape: Sequence[int]) -> float:
    """Norm of the padding before a convolution: √ of the largest number of copies of a pixel.

    Args:
        layer: the convolution.
        input_shape: shape of one input, without the batch.

    Returns:
        The norm; 1 for zeros.
    """
    image = torch.zeros(1, 1, *input_shape[-2:], requires_grad=True)
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    functional.pad(image, layer._reversed_padding_repeated_twice, mode=mode).sum().backward()
    assert image.grad is not None
    return sqrt(float(image.grad.max()))


def dense_matrix(layer: nn.Module, input_shape: Sequence[int]) -> np.ndarray:
    """The operator of a linear layer as a matrix.

    Args:
        layer: `nn.Linear` or `nn.Conv2d`.
        input_shape: shape of one input, without the batch.

    Returns:
        (outputs, inputs) float64.
    """
    if isinstance(layer, nn.Linear):
        return _matrix(layer)
    forward, adjoint, inputs, outputs = _operator(layer, input_shape)
    apply, side = (forward, inputs) if inputs <= outputs else (adjoint, outputs)
    unit = torch.eye(side, dtype=torch.float64)
    rows = torch.cat([apply(x) for x in unit.split(256)]).numpy()
    return rows.T if inputs <= outputs else rows


def _checked(layer: nn.Module, input_shape: Sequence[int]) -> nn.Linear | nn.Conv2d:
    """The rebuilt layer, in float64 (see `bounds.unmodified`)."""
    if type(layer).forward not in (nn.Linear.forward, nn.Conv2d.forward):
        raise UnsupportedError(
            "expected a fully connected layer or a convolution of images, "
            f"found {type(layer).__name__}"
        )
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    found = input_shape[-1] if isinstance(layer, nn.Linear) else input_shape[0]
    if found != inputs or (isinstance(layer, nn.Conv2d) and len(input_shape) != 3):
        raise UnsupportedError(f"input_shape: expected {inputs} inputs, found {tuple(input_shape)}")
    check_unmodified(layer)
    new = unmodified(layer)
    assert isinstance(new, nn.Linear | nn.Conv2d)
    return new


def _matrix(layer: nn.Linear) -> np.ndarray:
    return layer.weight.detach().cpu().double().numpy()


Map = Callable[[Tensor], Tensor]


def _operator(layer: nn.Module, input_shape: Sequence[int]) -> tuple[Map, Map, int, int]:
    """The linear part of a layer and its adjoint, on rows of numbers, and their sizes."""
    part = copy.deepcopy(layer).cpu().double().requires_grad_(False)
    part.register_parameter("bias", None)
    inputs = prod(input_shape)

    def forward(x: Tensor) -> Tensor:
        return part(x.view(-1, *input_shape)).flatten(1)

    graphs: dict[int, tuple[Tensor, Tensor]] = {}  # linear: the same for every input

    def adjoint(y: Tensor) -> Tensor:
        if len(y) not in graphs:
            x = torch.zeros(len(y), inputs, dtype=torch.float64, requires_grad=True)
            with torch.enable_grad():
                graphs[len(y)] = x, forward(x)
        x, output = graphs[len(y)]
        return torch.autograd.grad(output, x, y, retain_graph=True)[0]

    try:
        outputs = forward(torch.zeros(1, inputs, dtype=torch.float64)).shape[1]
    except RuntimeError as error:
        raise UnsupportedError(
            f"input_shape: expected an image that the layer takes, found {tuple(input_shape)} "
            f"({str(error).splitlines()[0]})"
        ) from None
    return forward, adjoint, inputs, outputs
