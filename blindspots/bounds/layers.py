"""Lipschitz bounds of single layers, by what they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from math import prod, sqrt

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.bounds.elementwise import MODULES
from blindspots.bounds.matrices import UNIT, upper_norm
from blindspots.bounds.operators import DENSE_SIDE, upper_operator_norm
from blindspots.interface import UnsupportedError
from blindspots.layers import ContrastNormalisation

Shape = Sequence[int]


def layer_bound(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    """A proven bound on a layer's Lipschitz constant.

    Args:
        layer: the layer, in evaluation mode.
        input_shape: shape of one input, without the batch.
        output_shape: shape of its output, without the batch.

    Raises:
        UnsupportedError: the layer's settings leave it without a bound.
    """
    known = BOUNDS[type(layer).forward]
    return float(known(layer, input_shape, output_shape) if callable(known) else known)


def check_known(layer: nn.Module) -> None:
    """Refuse a layer without a known bound.

    Raises:
        UnsupportedError: no bound is known for what the layer's `forward` computes in evaluation
            mode, such as a subclass that computes something else.
    """
    if type(layer).forward not in BOUNDS:
        raise UnsupportedError(
            "expected a layer with a known Lipschitz bound, found none; leave this net out"
        )
    if layer.training and type(layer).forward in OTHERWISE_IN_TRAINING:
        raise UnsupportedError(
            "expected a model in evaluation mode, found training; call model.eval()"
        )
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_var is None:
        raise UnsupportedError(
            "expected running statistics, found none: its answers depend on the batch"
        )


_PROVEN: dict[str, float] = {}
"""Bounds of linear layers, cached, since a net is bounded again for every certificate."""


def _linear(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    assert isinstance(layer.weight, Tensor)
    told = f"{layer} {tuple(input_shape)}".encode()  # all settings
    key = sha256(layer.weight.detach().cpu().numpy().tobytes() + told).hexdigest()
    if key not in _PROVEN:
        _PROVEN[key] = upper_operator_norm(layer, input_shape)
    return _PROVEN[key]


def _batch_norm(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    """Batch norm in evaluation mode: a scaling of every channel."""
    scales = batch_norm_scales(layer)
    return float(scales.abs().max()) * (1 + 8 * UNIT)


def batch_norm_scales(layer: nn.Module) -> Tensor:
    """γ / √(σ² + ε) of every channel, in float64."""
    assert isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    assert layer.running_var is not None
    scales = (layer.running_var.double() + layer.eps).rsqrt()
    return scales if layer.weight is None else scales * layer.weight.detach().double()


def _max_pool(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    """√ of the largest number of windows that an input is in: 1 if they do not overlap."""
    assert isinstance(layer, nn.MaxPool2d)
    most = 1
    for axis in (0, 1):
        k, Δ, p, δ = (
            value if isinstance(value, int) else value[axis]
            for value in (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        )
        places = Δ * np.arange(output_shape[1 + axis])[:, None] - p + δ * np.arange(k)
        most *= _most(places.ravel(), input_shape[1 + axis])
    return sqrt(most) * (1 + UNIT)


def _adaptive_max_pool(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    most = 1
    for n, m in zip(input_shape[1:], output_shape[1:], strict=True):
        windows = [range(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        most *= _most(np.concatenate([np.array(window) for window in windows]), n)
    return sqrt(most) * (1 + UNIT)


def _most(places: np.ndarray, n: int) -> int:
    return int(np.bincount(places[(places >= 0) & (places < n)], minlength=n).max())


def _average_pool(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    """The same linear operator on every channel: the norm of its matrix, or Schur's test if large.

    ‖A‖² ≤ max row sum · max column sum, for a matrix of non-negative numbers.
    """
    height, width = input_shape[-2:]
    divisor = getattr(layer, "divisor_override", None)
    if divisor is not None and divisor < 1:
        raise UnsupportedError(f"expected a divisor_override of at least 1, found {divisor}")
    with torch.enable_grad():
        image = torch.zeros(1, 1, height, width, dtype=torch.float64, requires_grad=True)
        columns = torch.autograd.grad(layer(image).sum(), image)[0].max()
    rows = layer(torch.ones_like(image)).max()
    schur = float((rows * columns).sqrt()) * (1 + 8 * prod(input_shape[-2:]) * UNIT)
    if height * width > DENSE_SIDE:
        return schur
    unit = torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
    return min(schur, upper_norm(layer(unit).flatten(1).numpy()))


def _local_response(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    """y_i = x_i / (k + α/n Σ x_j²)^β over n neighbouring channels.

    The Jacobian is a diagonal of at most k^−β, minus a matrix M whose rows have norms of at most
    2β k^−β β^β / (1 + β)^(1 + β) (where α/n Σ x_j² = k/β) and which has at most n entries in a
    column: ‖M‖ is at most √n times that.
    """
    assert isinstance(layer, nn.LocalResponseNorm)
    k, β, n = layer.k, layer.beta, min(layer.size, input_shape[0])
    if k <= 0:
        raise UnsupportedError(f"expected k above 0, found {k}: its slope at 0 has no bound")
    bend = 2 * β * β**β / (1 + β) ** (1 + β)
    return k**-β * (1 + sqrt(n) * bend) * (1 + 64 * UNIT)


def _contrast(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    """ε^−γ (Szegedy et al. 2013, section 4.3), the slope at 0."""
    assert isinstance(layer, ContrastNormalisation)
    return float(layer.epsilon**-layer.gamma * (1 + 4 * UNIT))


def _softplus(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    assert isinstance(layer, nn.Softplus)
    if layer.threshold < 40 or layer.beta <= 0:
        raise UnsupportedError(
            f"expected beta above 0 and a threshold of at least 40, found {layer.beta} and "
            f"{layer.threshold}: its values jump at the threshold, by more than rounding"
        )
    return 1.0


def _leaky(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    assert isinstance(layer, nn.LeakyReLU)
    return max(1.0, abs(layer.negative_slope))


def _elu(layer: nn.Module, input_shape: Shape, output_shape: Shape) -> float:
    assert isinstance(layer, nn.ELU)
    return max(1.0, abs(layer.alpha))


BOUNDS: dict[Callable[..., Tensor], float | Callable[[nn.Module, Shape, Shape], float]] = {
    **{forward: function.slope for forward, function in MODULES.items()},
    nn.Linear.forward: _linear,
    nn.Conv2d.forward: _linear,
    nn.GELU.forward: 1.1291,  # at √2 it is Φ(√2) + √2 φ(√2) = 1.12890…; with tanh 1.12899…
    nn.SiLU.forward: 1.0999,  # 1.09984…
    nn.Softplus.forward: _softplus,
    nn.LeakyReLU.forward: _leaky,
    nn.ELU.forward: _elu,
    nn.Softmax.forward: 0.5,  # the largest eigenvalue of diag(p) − ppᵀ, at two equal halves
    nn.MaxPool2d.forward: _max_pool,
    nn.AdaptiveMaxPool2d.forward: _adaptive_max_pool,
    nn.AvgPool2d.forward: _average_pool,
    nn.AdaptiveAvgPool2d.forward: _average_pool,
    nn.LocalResponseNorm.forward: _local_response,
    ContrastNormalisation.forward: _contrast,
    nn.BatchNorm2d.forward: _batch_norm,  # and BatchNorm1d: they share it
    nn.Flatten.forward: 1.0,
    nn.Unflatten.forward: 1.0,
    nn.Identity.forward: 1.0,
    nn.Dropout.forward: 1.0,
    nn.Dropout2d.forward: 1.0,
}
"""Bounds of layers by forward function, or functions that compute them."""

OTHERWISE_IN_TRAINING = {nn.Dropout.forward, nn.Dropout2d.forward, nn.BatchNorm2d.forward}
"""Layers that compute something else in training."""
