"""Functions of single numbers between linear layers, and bounds on their slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

Ends = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Elementwise(NamedTuple):
    """A non-decreasing function.

    Attributes:
        slope: β; all its slopes are in [0, β].
        within: map from the ends of intervals to a bound on its slopes there; β if none is known.
    """

    slope: float
    within: Ends


def _relu(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return (~(high <= 0)).astype(float)


def _nearest_to_zero(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.maximum(np.maximum(low, -high), 0)


def _sigmoid(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    decay = np.exp(-_nearest_to_zero(low, high))
    return decay / (1 + decay) ** 2


def _tanh(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    decay = np.exp(-2 * _nearest_to_zero(low, high))
    return 4 * decay / (1 + decay) ** 2


def _anywhere(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.ones_like(low)


RELU = Elementwise(1.0, _relu)
SIGMOID = Elementwise(0.25, _sigmoid)  # the text of section 4.3 treats ReLU
TANH = Elementwise(1.0, _tanh)
OTHER = Elementwise(1.0, _anywhere)

MODULES: dict[Callable[..., torch.Tensor], Elementwise] = {
    nn.ReLU.forward: RELU,
    nn.Sigmoid.forward: SIGMOID,
    nn.Tanh.forward: TANH,
    nn.ReLU6.forward: OTHER,
    nn.Hardtanh.forward: OTHER,
}
"""Elementwise functions by a layer's forward function."""

OPERATIONS: dict[Any, Elementwise] = {
    **dict.fromkeys([torch.relu, functional.relu, "relu", "relu_"], RELU),
    **dict.fromkeys([torch.sigmoid, functional.sigmoid, "sigmoid"], SIGMOID),
    **dict.fromkeys([torch.tanh, functional.tanh, "tanh"], TANH),
}
"""Elementwise functions by the function, or the name of the method, that is called."""


def elementwise(operation: Any) -> Elementwise | None:
    """Elementwise function of a step; None for other steps."""
    if isinstance(operation, nn.Module):
        return MODULES.get(type(operation).forward)
    return OPERATIONS.get(operation)
