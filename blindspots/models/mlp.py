"""Fully connected networks; without `hidden` layers, a linear softmax classifier."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

from torch import nn

from blindspots.limits import Count

Activation = Literal["sigmoid", "relu", "tanh"]

READINGS = {"biases": ("bias", {True: "in every layer", False: "none"})}
"""Readings of the paper by setting, for the report (`report.readings`)."""

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}


def mlp(
    shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[Count] = (),
    activation: Activation = "sigmoid",
    bias: bool = True,
) -> nn.Sequential:
    """FC models of Szegedy et al. 2013: ``hidden=[]`` is FC10, ``[100, 100]`` FC100-100-10.

    Args:
        shape: shape of an image.
        classes: number of logits.
        hidden: units of each hidden layer; [] makes a linear softmax classifier.
        activation: "sigmoid" (the paper's), "relu" or "tanh".
        bias: whether layers have biases; the paper does not say.

    Returns:
        Images (n, *shape) to logits (n, classes). Weights by Xavier's uniform rule, biases 0.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    units = prod(shape)
    for width in hidden:
        layers += [linear(units, width, bias), ACTIVATIONS[activation]()]
        units = width
    return nn.Sequential(*layers, linear(units, classes, bias))


def linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """A fully connected layer, initialised by Xavier's uniform rule with biases 0.

    Args:
        inputs: number of inputs.
        outputs: number of outputs.
        bias: whether it has biases; its initial weights are the same without.

    Returns:
        The layer.
    """
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    if not bias:
        layer.register_parameter("bias", None)
    return layer
