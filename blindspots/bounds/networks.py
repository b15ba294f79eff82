"""Lipschitz bounds of a network and of its layers: sequences multiply, branches add."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from blindspots.bounds.chains import Chain, Choice, chain, eclipse_fast, metric
from blindspots.bounds.elementwise import elementwise
from blindspots.bounds.graph import exact, steps
from blindspots.bounds.layers import layer_bound
from blindspots.bounds.matrices import UNIT, upper_norm
from blindspots.bounds.walk import Step, Value
from blindspots.interface import InputError, LayerBound, UnsupportedError

METHODS = ("product", "eclipse", "lipsdp")
"""Methods for whole networks; the last two support only chains (see `bounds.chains`)."""


class NetworkBound(NamedTuple):
    """Lipschitz bounds of a network, in the Euclidean norm.

    Attributes:
        network: bound L of the map φ to the logits: ‖φ(x) − φ(x + r)‖ ≤ L ‖r‖ for all x and r.
        logits: (classes, classes) bounds of the differences of any two logits.
    """

    network: float
    logits: np.ndarray


def network_bound(model: nn.Module, input_shape: Sequence[int], method: str = "product") -> float:
    """Lipschitz bound L with ‖φ(x) − φ(x + r)‖ ≤ L ‖r‖ for all x and r.

    Args:
        model: the network, in evaluation mode.
        input_shape: shape of an image, without the batch.
        method: "product" of the layers' bounds; for fully connected and small convolutional
            networks also the closer "eclipse", and "lipsdp", which is still closer and slower.

    Returns:
        L, in the Euclidean norm, proven in float64.

    Raises:
        InputError: an unknown method.
        UnsupportedError: a network that the method does not support; names the layer.
    """
    return bound(model, input_shape, method).network


def bound(model: nn.Module, input_shape: Sequence[int], method: str = "product") -> NetworkBound:
    """Lipschitz bounds of the network and of the differences of its logits.

    The bound on the difference of logits i and j is that of the network below the last layer times
    ‖w_i − w_j‖, the distance of that layer's rows; or √2 times that of the network if the last
    layer is not `nn.Linear`. The methods for chains bound every difference separately.

    Args:
        model: the network, in evaluation mode.
        input_shape: shape of an image, without the batch.
        method: method of `network_bound`.

    Returns:
        Both bounds, proven in float64.

    Raises:
        InputError, UnsupportedError: the errors of `network_bound`.
    """
    model = exact(model, input_shape)
    if method != "product":
        network = chain(model, input_shape)
        proven = [metric(network, *way).carried(network.last) for way in _ways(network, method)]
        total = min(upper_norm(rows) for rows in proven)
        return NetworkBound(total, np.min([_distances(rows) for rows in proven], axis=0))
    found = layer_bounds(model, input_shape)
    if not found:
        raise UnsupportedError("expected a network with layers, found none")
    total, head = found[-1].product, steps(model, input_shape)[-1].operation
    if isinstance(head, nn.Linear) and type(head).forward is nn.Linear.forward:
        below = found[-2].product if len(found) > 1 else 1.0
        rows = head.weight.detach().cpu().double().numpy()
        return NetworkBound(total, below * _distances(rows))
    any_two = sqrt(2) * total * (1 + 4 * UNIT)
    return NetworkBound(total, any_two * (1 - np.eye(found[-1].outputs)))


def _distances(rows: np.ndarray) -> np.ndarray:
    """Distances between rows, rounded up."""
    found = [np.linalg.norm(rows - row, axis=1) for row in rows]
    return np.array(found) * (1 + 1e-12)


def _ways(network: Chain, method: str) -> list[tuple[Choice, float]]:
    """Weightings of a chain; the best one for the network may not be the best for two logits."""
    if method == "eclipse":
        return [(eclipse_fast, 1.0)]
    if method == "lipsdp":
        from blindspots.bounds.lipsdp import lipsdp  # slow to import

        return [(eclipse_fast, 1.0), *([lipsdp(network)] if network.hidden else [])]
    raise InputError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")


def layer_bounds(
    model: nn.Module,
    input_shape: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> list[LayerBound]:
    """Bounds for each layer, in the order of application, and for the map from the input to it.

    Bounds of consecutive layers multiply (Szegedy et al. 2013, section 4.3). Those of branches add
    if the branches are summed, as in residual networks; if they are concatenated, squares add.

    Args:
        model: the network, in evaluation mode; its `forward` must be traceable by `torch.fx`.
        input_shape: shape of an image, without the batch.
        progress: called with the number of layers that are done.

    Returns:
        A `LayerBound` for each, proven in float64.

    Raises:
        UnsupportedError: a layer or an operation without a known bound, weights that are not
            finite, or a model that cannot be traced; names the path in the network.
    """
    totals, found = [1.0], []
    for step in steps(model, input_shape):
        total = _total(step, totals)
        before = max(totals[x.number] for x in step.tensors)
        own = total / before if before > 0 else 0.0
        inputs = sum(x.size for x in step.tensors)
        totals.append(total)
        found.append(LayerBound(step.path, step.kind, inputs, step.result.size, own, total))
        if progress is not None:
            progress(len(found))
    return found


def _total(step: Step, totals: Sequence[float]) -> float:
    """A bound on the map from the network's input to the result of a step."""
    try:
        if isinstance(step.operation, nn.Module):
            (x,) = step.tensors
            own = layer_bound(step.operation, x.shape, step.result.shape)
            return own * totals[x.number] * (1 if own == 1 else 1 + 2 * UNIT)
        function = elementwise(step.operation)
        if function is not None:
            (x,) = step.tensors
            return function.slope * totals[x.number]
        rule = RULES.get(step.operation)
        total = None if rule is None else rule(step, totals)
        if total is None:
            raise UnsupportedError(
                "expected an operation with a known Lipschitz bound, found none; leave this net out"
            )
        return total
    except UnsupportedError as error:
        raise UnsupportedError(f"layer {step.path!r} ({step.kind}): {error}") from None


Totals = Sequence[float]
Rule = Callable[[Step, Totals], float | None]


def _sum(step: Step, totals: Totals) -> float | None:
    """Sum of two tensors, or of one and a constant; broadcasting makes an operand longer."""
    if len(step.arguments) != 2 or any(x.shape != step.result.shape for x in step.tensors):
        return None
    return math.fsum(totals[x.number] for x in step.tensors) * (1 + 2 * UNIT)


def _scaled(step: Step, totals: Totals) -> float | None:
    """Multiplication by a constant, or division by one."""
    if len(step.arguments) != 2 or [x.shape for x in step.tensors] != [step.result.shape]:
        return None
    divides = step.operation in QUOTIENTS
    if divides and not isinstance(step.arguments[0], Value):
        return None
    (constant,) = (a for a in step.arguments if not isinstance(a, Value))
    sizes = torch.as_tensor(constant, dtype=torch.float64).detach().abs()
    scale = 1 / float(sizes.min()) if divides else float(sizes.max())
    return totals[step.tensors[0].number] * scale * (1 + 4 * UNIT)


def _concatenation(step: Step, totals: Totals) -> float | None:
    return sqrt(math.fsum(totals[x.number] ** 2 for x in step.tensors)) * (1 + 4 * UNIT)


def _part(step: Step, totals: Totals) -> float | None:
    index = step.arguments[1] if isinstance(step.arguments[1], tuple) else step.arguments[1:]
    whole = index[0] is Ellipsis or index[0] == slice(None)  # every image, by itself
    simple = whole and all(i is None or i is Ellipsis or isinstance(i, int | slice) for i in index)
    return totals[step.tensors[0].number] if simple else None  # a list may name a position twice


def _same(step: Step, totals: Totals) -> float | None:
    return totals[step.tensors[0].number]


QUOTIENTS = (operator.truediv, operator.itruediv, torch.div, "div", "div_")

RULES: dict[Any, Rule] = {
    **dict.fromkeys([operator.add, operator.iadd, torch.add, "add", "add_"], _sum),
    **dict.fromkeys([operator.sub, operator.isub, torch.sub, "sub", "sub_"], _sum),
    **dict.fromkeys([operator.mul, operator.imul, torch.mul, "mul", "mul_", *QUOTIENTS], _scaled),
    **dict.fromkeys([torch.cat, torch.concat], _concatenation),
    operator.getitem: _part,
    **dict.fromkeys([torch.flatten, torch.reshape, torch.squeeze, operator.neg], _same),
    **dict.fromkeys(["flatten", "reshape", "view", "squeeze", "unsqueeze", "permute"], _same),
    **dict.fromkeys(["transpose", "contiguous", "detach", "clone", torch.clone], _same),
}
"""Operations between layers: map from a step and the bounds of earlier results to its own bound."""
