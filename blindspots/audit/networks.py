"""The package's own models in plain NumPy and float64: their logits and Lipschitz bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from blindspots.audit.files import CHUNK, tensors

UNIT, LIKELY = 2.0**-24, 8
"""Unit roundoff u of float32, and a factor. Rounding changes a sum of n terms, in any order, by at
most n u / (1 − n u) times the sum of their absolute values; with 8 √n in place of n, this holds
except with a probability of 2 n exp(−32).
"""

LARGEST = 1536
"""Largest size of the input or the output at which a convolution is bounded as a matrix."""


class UnknownError(ValueError):
    """A network or table that this audit does not cover, with the reason."""


class ChanceError(UnknownError):
    """A stochastic net, which has no bounds and whose answers cannot be repeated."""


Shape = tuple[int, ...]


class Layer(NamedTuple):
    """A layer's function and a bound on its Lipschitz constant.

    Attributes:
        apply: function from (n, …) to (n, …).
        bound: function from the shape of one input to the bound.
    """

    apply: Callable[[np.ndarray], np.ndarray]
    bound: Callable[[Shape], float]


def linear(weight: np.ndarray, bias: np.ndarray) -> Layer:
    """Layer x ↦ W x + b."""
    return Layer(lambda x: x @ weight.T + bias, lambda shape: float(np.linalg.norm(weight, 2)))


def elementwise(function: Callable[[np.ndarray], np.ndarray], slope: float) -> Layer:
    """Layer that applies a function to each number; its bound is the steepest slope."""
    return Layer(function, lambda shape: slope)


def convolution(weight: np.ndarray, bias: np.ndarray, padding: int) -> Layer:
    """Convolution, stride 1, zero padding on all sides; weight (outputs, inputs, height, width)."""

    def convolved(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))
        found = np.tensordot(windows, weight, axes=((1, 4, 5), (1, 2, 3)))
        return found.transpose(0, 3, 1, 2)  # (n, height, width, outputs) before

    def bound(shape: Shape) -> float:
        """Return the norm of its matrix, whose rows are the outputs for images with one pixel set.

        If the matrix is large, return the norm of the same kernel on a torus, which contains it:
        the largest norm of the kernel's Fourier coefficients (Sedghi et al. 2018, "The singular
        values of convolutional layers").
        """
        if min(prod(shape), convolved(np.zeros((1, *shape))).size) > LARGEST:
            sides = [n + k - 1 for n, k in zip(shape[1:], weight.shape[2:], strict=True)]
            coefficients = np.fft.fft2(weight, sides).transpose(2, 3, 0, 1)
            return float(np.linalg.norm(coefficients, 2, axis=(2, 3)).max())
        units = np.eye(prod(shape)).reshape(-1, *shape)
        answers = [convolved(units[i : i + CHUNK]) for i in range(0, len(units), CHUNK)]
        matrix = np.concatenate(answers).reshape(len(units), -1)
        wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
        gram = wide @ wide.T  # much faster than the matrix's singular values
        return float(np.sqrt(np.linalg.eigvalsh(gram)[-1]))

    return Layer(lambda x: convolved(x) + bias[:, None, None], bound)


def max_pool(side: int) -> Layer:
    """Maxima over disjoint squares; each number is in at most one, so the bound is 1."""

    def pooled(x: np.ndarray) -> np.ndarray:
        n, channels, height, width = x.shape
        high, wide = height // side, width // side
        whole = x[:, :, : high * side, : wide * side]
        return whole.reshape(n, channels, high, side, wide, side).max(axis=(3, 5))

    return Layer(pooled, lambda shape: 1.0)


ACTIVATIONS = {
    "sigmoid": elementwise(lambda x: (1 + np.tanh(x / 2)) / 2, 0.25),
    "relu": elementwise(lambda x: np.maximum(x, 0), 1.0),
    "tanh": elementwise(np.tanh, 1.0),
}
FLATTEN = elementwise(lambda x: x.reshape(len(x), -1), 1.0)


class Network:
    """A sequence of layers, the last of them linear."""

    def __init__(self, layers: list[Layer], rows: np.ndarray, shape: Shape) -> None:
        """Args: layers; rows of the last one's matrix, (classes, units); shape of an image."""
        self.layers, self.rows, self.shape = layers, rows, shape

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Return the logits (n, classes) of images (n, *image)."""
        return self.rounded(images)[0]

    def rounded(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits (n, classes), and bounds on their rounding by the last layer in float32."""
        for layer in self.layers[:-1]:
            images = layer.apply(images)
        last = self.layers[-1].apply
        offset = last(np.zeros((1, self.rows.shape[1])))
        sizes = np.abs(images) @ np.abs(self.rows).T + np.abs(offset)
        return last(images), self.share * sizes

    @property
    def share(self) -> float:
        """Bound on the rounding of a logit, over the sum of its terms' absolute values."""
        terms = self.rows.shape[1] + 1
        roundings = float(min(terms, LIKELY * np.sqrt(terms)) * UNIT)
        return roundings / (1 - roundings)

    @cached_property
    def steepness(self) -> float:
        """Upper bound on the Lipschitz constant of the network."""
        return self._below * float(np.linalg.norm(self.rows, 2))

    @cached_property
    def slopes(self) -> np.ndarray:
        """Bounds (classes, classes) on the slope of the difference of two logits.

        They are ‖w_i − w_j‖ of the last layer times the product of the other layers' bounds
        (Szegedy et al. 2013, section 4.3).
        """
        return self._below * np.linalg.norm(self.rows[:, None] - self.rows, axis=2)

    @cached_property
    def _below(self) -> float:
        below, x = 1.0, np.zeros((1, *self.shape))
        for layer in self.layers[:-1]:
            below *= layer.bound(x.shape[1:])
            x = layer.apply(x)
        return below


def load(path: str | Path) -> Network:
    """Return the network in a file of weights.

    Raises:
        UnknownError: a model that is not one of the package's own.
        AuditError: a damaged file.
    """
    weights, spec = tensors(path)
    if "draws" in spec:
        raise ChanceError("its answers are random")
    build = MODELS.get(spec["method"])
    if build is None:
        raise UnknownError(f"model {spec['method']} is not known to the audit")
    try:
        layers, last = build(spec, weights)
        rows, head = weights[f"{last}.weight"], _linear(weights, last, _has_bias(spec))
        return Network([*layers, head], rows, tuple(map(int, spec["shape"])))
    except KeyError as error:
        raise UnknownError(f"model {spec['method']} without {error} is not checked") from None
    except (AttributeError, TypeError, ValueError) as error:  # the spec may contain anything
        raise UnknownError(f"model {spec['method']} has unknown settings ({error})") from None


Spec = Mapping[str, Any]
Weights = Mapping[str, np.ndarray]
Built = tuple[list[Layer], str]
"""The layers before the last, and the name of the last in the weights."""


def _mlp(spec: Spec, weights: Weights) -> Built:
    activation = ACTIVATIONS[spec["settings"].get("activation", "sigmoid")]
    hidden = len(spec["settings"].get("hidden", ()))
    layers = [FLATTEN]
    for place in range(1, 2 * hidden + 1, 2):
        layers += [_linear(weights, str(place), _has_bias(spec)), activation]
    return layers, str(2 * hidden + 1)


def _encoded(spec: Spec, weights: Weights) -> Built:
    parent = spec["parents"]["encoder"]
    while parent["method"] == "encoded":  # which keeps the encoder that it was built from
        parent = parent["parents"]["encoder"]
    if parent["method"] != "autoencoder":
        raise UnknownError(f"the encoder of model {parent['method']} is not known to the audit")
    return [FLATTEN, _linear(weights, "encoder.1"), ACTIVATIONS["sigmoid"]], "head"


def _lenet(spec: Spec, weights: Weights) -> Built:
    activation = ACTIVATIONS[spec["settings"].get("activation", "relu")]
    first = convolution(weights["0.weight"], weights["0.bias"], padding=2)
    second = convolution(weights["3.weight"], weights["3.bias"], padding=0)
    maps = [first, activation, max_pool(2), second, activation, max_pool(2), FLATTEN]
    return [*maps, _linear(weights, "7"), activation, _linear(weights, "9"), activation], "11"


def _has_bias(spec: Spec) -> bool:
    return bool(spec["settings"].get("bias", True))


def _linear(weights: Weights, name: str, bias: bool = True) -> Layer:
    weight = weights[f"{name}.weight"]
    return linear(weight, weights[f"{name}.bias"] if bias else np.zeros(len(weight)))


MODELS = {"mlp": _mlp, "encoded": _encoded, "lenet": _lenet}
