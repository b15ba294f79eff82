"""Lipschitz constants from the weights (Szegedy et al. 2013, section 4.3), in the Euclidean norm.

Every bound is computed in float64 and rounded outwards, so that certificates may rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np
import torch
from torch import nn

from blindspots.interface import InputError, LayerBound


def operator_norm(module: nn.Module, input_shape: Sequence[int]) -> float:
    """Largest singular value of a linear layer, in float64.

    Args:
        module: an `nn.Linear`.
        input_shape: of one input, without the batch.

    Raises:
        InputError: not a linear layer, or one without a known norm.
    """
    if not isinstance(module, nn.Linear):
        raise InputError(f"expected a fully connected layer, found {type(module).__name__}")
    if input_shape[-1] != module.in_features:
        raise InputError(
            f"input_shape: expected {module.in_features} inputs, found {tuple(input_shape)}"
        )
    weight = module.weight.detach().cpu().double().numpy()
    if not np.isfinite(weight).all():
        raise InputError("expected finite weights, found others")
    return float(np.linalg.norm(weight, 2))


def layer_bounds(
    model: nn.Module,
    input_shape: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> list[LayerBound]:
    """A bound for each layer of nested `nn.Sequential`s, in the order in which they are applied.

    Args:
        model: the network, in evaluation mode.
        input_shape: of an image, without the batch.
        progress: called with the number of layers that are done.

    Raises:
        InputError: a layer without a known bound; names its path and its type.
    """
    parameter = next(model.parameters(), torch.zeros(()))
    x = torch.zeros(1, *input_shape, dtype=parameter.dtype, device=parameter.device)
    bounds = []
    for path, layer in _layers(model, ""):
        try:
            bound = _bound(layer, x.shape[1:])
        except InputError as error:
            raise InputError(f"layer {path!r} ({type(layer).__name__}): {error}") from None
        with torch.no_grad():
            y = layer(x)
        sizes = prod(x.shape[1:]), prod(y.shape[1:])
        bounds.append(LayerBound(path, type(layer).__name__, *sizes, bound))
        x = y
        if progress is not None:
            progress(len(bounds))
    return bounds


def network_bound(model: nn.Module, input_shape: Sequence[int]) -> float:
    """The product of the layers' bounds: ‖φ(x) − φ(x + r)‖ ≤ L ‖r‖ for all x and r.

    Args:
        model: the network, in evaluation mode.
        input_shape: of an image, without the batch.

    Raises:
        InputError: a layer without a known bound.
    """
    return prod(layer.bound for layer in layer_bounds(model, input_shape))


def _layers(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """The layers that a module applies one after the other, as often as it applies them."""
    # A subclass that computes otherwise is a layer of its own, and likely one without a bound.
    if type(module).forward is not nn.Sequential.forward:
        yield path or type(module).__name__, module
        return
    for name, child in module._modules.items():
        assert child is not None
        yield from _layers(child, f"{path}.{name}" if path else name)


def _bound(layer: nn.Module, input_shape: Sequence[int]) -> float:
    """By what the layer computes, its `forward`: a subclass with another one has no known bound."""
    known = BOUNDS.get(type(layer).forward)
    if known is None:
        raise InputError(
            "expected a layer with a known Lipschitz bound, found none; "
            "leave this net out of lipschitz.nets"
        )
    return known(layer, input_shape) if callable(known) else known


def _linear(layer: nn.Module, input_shape: Sequence[int]) -> float:
    assert isinstance(layer, nn.Linear)
    # LAPACK's singular values are exact for a matrix within a small multiple of the rounding unit.
    rounding = 8 * max(layer.weight.shape) * float(np.finfo(np.float64).eps)
    return operator_norm(layer, input_shape) * (1 + rounding)


BOUNDS: dict[Callable[..., torch.Tensor], float | Callable[[nn.Module, Sequence[int]], float]] = {
    nn.Linear.forward: _linear,
    nn.Sigmoid.forward: 0.25,  # its steepest slope; the text treats ReLU, slope 1
    nn.Tanh.forward: 1.0,
    nn.ReLU.forward: 1.0,
    nn.Flatten.forward: 1.0,
    nn.Unflatten.forward: 1.0,
    nn.Identity.forward: 1.0,
    nn.Dropout.forward: 1.0,  # in evaluation mode
}
"""By a layer's forward function: its bound, or what computes it from layer and input shape."""
