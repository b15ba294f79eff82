"""The linear layers of a network and their norms, as in Table 5 of Szegedy et al. 2013."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import nn

from blindspots.bounds.graph import steps
from blindspots.bounds.operators import norms
from blindspots.interface import UnsupportedError


class LinearLayer(NamedTuple):
    """A fully connected layer or a convolution of a network.

    Attributes:
        layer: path in the network, such as "features.0".
        weights: shape of the weights as the paper prints it, such as "3×11×11×96, stride 4".
        inputs: numbers in one input.
        outputs: numbers in one output.
        value, upper, fourier, printed, frame: bounds on its norm (`bounds.operators.Norms`).
    """

    layer: str
    weights: str
    inputs: int
    outputs: int
    value: float
    upper: float
    fourier: float | None
    printed: float | None
    frame: float | None


def linear_layers(
    model: nn.Module, input_shape: Sequence[int], progress: Callable[[int], None] | None = None
) -> list[LinearLayer]:
    """List every linear layer, in the order of application, with its norms.

    Args:
        model: the network, in evaluation mode; its `forward` must be traceable by `torch.fx`.
        input_shape: shape of an image, without the batch.
        progress: called with the number of layers that are done.

    Returns:
        A `LinearLayer` for each.

    Raises:
        UnsupportedError: the errors of `bounds.graph.exact`; names the path in the network.
    """
    found: list[LinearLayer] = []
    for step in steps(model, input_shape):
        if not isinstance(step.operation, nn.Linear | nn.Conv2d):
            continue
        (x,) = step.tensors
        try:
            known = norms(step.operation, x.shape)
        except UnsupportedError as error:
            raise UnsupportedError(f"layer {step.path!r} ({step.kind}): {error}") from None
        weights = _weights(step.operation)
        found.append(LinearLayer(step.path, weights, x.size, step.result.size, *known))
        if progress is not None:
            progress(len(found))
    return found


def _weights(layer: nn.Linear | nn.Conv2d) -> str:
    if isinstance(layer, nn.Linear):
        return f"{layer.in_features}×{layer.out_features}"
    sides = (layer.in_channels, *layer.kernel_size, layer.out_channels)
    text = ["×".join(map(str, sides))]
    for name, pair in (("stride", layer.stride), ("dilation", layer.dilation)):
        if max(pair) > 1:
            text.append(f"{name} {'×'.join(map(str, dict.fromkeys(pair)))}")
    return ", ".join([*text, *([f"{layer.groups} groups"] if layer.groups > 1 else [])])
