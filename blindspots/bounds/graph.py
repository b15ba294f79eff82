"""A network as the graph of its layers, with a Lipschitz bound from its input to each of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from blindspots.bounds.layers import BOUNDS, check_known, layer_bound
from blindspots.bounds.matrices import UNIT
from blindspots.interface import InputError, LayerBound

Progress = Callable[[int], None]


def layer_bounds(
    model: nn.Module, input_shape: Sequence[int], progress: Progress | None = None
) -> list[LayerBound]:
    """A bound for each layer in the order in which they are applied, and from the input to it.

    Layers in a row multiply. Sums of branches (as in residual networks) add, and what is
    concatenated adds by squares.

    Args:
        model: the network, in evaluation mode; its `forward` must be traceable by `torch.fx`.
        input_shape: of an image, without the batch.
        progress: called with the number of layers that are done.

    Raises:
        InputError: a layer or an operation without a known bound, weights that are not finite, or a
            model that cannot be traced; names the path in the network.
    """
    _check_finite(model)
    walk = _Walk(_traced(model), progress)
    parameter = next(model.parameters(), torch.zeros(()))
    with torch.no_grad():
        walk.run(torch.zeros(1, *input_shape, dtype=parameter.dtype, device=parameter.device))
    return walk.found


class _Tracer(fx.Tracer):
    """Traces into everything but layers with a known bound and PyTorch's own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if type(m).forward is nn.Sequential.forward:
            return False
        return type(m).forward in BOUNDS or super().is_leaf_module(m, module_qualified_name)


def _traced(model: nn.Module) -> fx.GraphModule:
    if type(model).forward in BOUNDS or type(model).__module__.startswith("torch.nn."):
        model = model if isinstance(model, nn.Sequential) else nn.Sequential(model)
    try:
        return fx.GraphModule(model, _Tracer().trace(model))
    except Exception as error:  # whatever a user's forward does with a symbol for a tensor
        raise InputError(
            f"{type(model).__name__}: expected a forward that torch.fx can trace, found one that "
            f"it cannot ({str(error).splitlines()[0]}); leave this net out of lipschitz.nets"
        ) from None


def _check_finite(model: nn.Module) -> None:
    for path, module in model.named_modules():
        tensors = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        if not all(tensor.isfinite().all() for tensor in tensors):
            raise InputError(
                f"layer {path!r} ({type(module).__name__}): expected finite weights, found others"
            )


class _Bounded:
    """A tensor of the network, and a Lipschitz bound of the map from the input to it."""

    def __init__(self, value: Tensor, bound: float) -> None:
        self.value, self.bound = value, bound

    @property
    def size(self) -> int:
        return prod(self.value.shape[1:])


class _Walk(fx.Interpreter):
    """Runs the network on one image, with bounds beside the values."""

    def __init__(self, module: fx.GraphModule, progress: Progress | None) -> None:
        super().__init__(module)
        self.extra_traceback = False  # an error stays one line
        self.found: list[LayerBound] = []
        self.progress = progress

    def placeholder(self, target: Any, args: Any, kwargs: Any) -> _Bounded:
        return _Bounded(super().placeholder(target, args, kwargs), 1.0)

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        layer = self.fetch_attr(target)
        try:
            check_known(layer)
            (x,) = args
            value = layer(x.value)
            bound = layer_bound(layer, x.value.shape[1:], value.shape[1:])
        except InputError as error:
            raise InputError(f"layer {target!r} ({type(layer).__name__}): {error}") from None
        return self._record(target, type(layer).__name__, [x], value, bound, bound * x.bound)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        return self._call(target, target, getattr(torch.Tensor, target), args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        return self._call(getattr(target, "__name__", str(target)), target, target, args, kwargs)

    def output(self, target: Any, args: Any, kwargs: Any) -> Any:
        return args[0]

    def _call(
        self, name: str, key: Any, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        value = function(*_values(args), **_values(kwargs))
        given: list[_Bounded] = []
        fx.node.map_aggregate((args, kwargs), lambda a: _append(given, a))
        if not given or not isinstance(value, Tensor):
            return value  # a constant, a shape or a number
        total = RULES[key](value, *args, **kwargs) if key in RULES else None
        if total is None:
            raise InputError(
                f"layer {self._place()!r} ({name}): expected an operation with a known Lipschitz "
                "bound, found none; leave this net out of lipschitz.nets"
            )
        most = max(x.bound for x in given)
        own = total / most if most > 0 else 0.0
        return self._record(self._place(), name, given, value, own, total)

    def run_node(self, n: fx.Node) -> Any:
        self._node = n
        return super().run_node(n)

    def _place(self) -> str:
        stack = list(self._node.meta.get("nn_module_stack") or {})
        return ".".join([*stack[-1:], self._node.name]) if stack and stack[-1] else self._node.name

    def _record(
        self, path: str, kind: str, xs: list[_Bounded], value: Tensor, own: float, total: float
    ) -> _Bounded:
        y = _Bounded(value, total if own == 1 else total * (1 + 4 * UNIT))
        self.found.append(LayerBound(path, kind, sum(x.size for x in xs), y.size, own, y.bound))
        if self.progress is not None:
            self.progress(len(self.found))
        return y


def _values(arguments: Any) -> Any:
    """Arguments with tensors where their bounds were."""
    return fx.node.map_aggregate(arguments, lambda a: a.value if isinstance(a, _Bounded) else a)


def _append(found: list[_Bounded], argument: Any) -> Any:
    if isinstance(argument, _Bounded):
        found.append(argument)
    return argument


# Operations between layers: their result and arguments to the bound of the result, or None.


def _sum(value: Tensor, *terms: Any) -> float | None:
    """Of two tensors, or of one and a constant; what is broadcast is longer than it was."""
    tensors = [x for x in terms if isinstance(x, _Bounded)]
    if any(x.value.shape != value.shape for x in tensors):
        return None
    return math.fsum(x.bound for x in tensors)


def _product(value: Tensor, a: Any, b: Any) -> float | None:
    x, constant = (a, b) if isinstance(a, _Bounded) else (b, a)
    if isinstance(constant, _Bounded) or x.value.shape != value.shape:
        return None
    return x.bound * float(torch.as_tensor(constant).double().abs().max())


def _quotient(value: Tensor, x: Any, constant: Any) -> float | None:
    if isinstance(constant, _Bounded) or x.value.shape != value.shape:
        return None
    return x.bound / float(torch.as_tensor(constant).double().abs().min())


def _concatenation(value: Tensor, parts: Sequence[Any], dim: int = 0) -> float | None:
    return sqrt(math.fsum(x.bound**2 for x in parts if isinstance(x, _Bounded)))


def _part(value: Tensor, x: Any, index: Any) -> float | None:
    simple = all(
        i is None or i is Ellipsis or isinstance(i, int | slice)
        for i in (index if isinstance(index, tuple) else (index,))
    )
    return x.bound if simple else None  # a list of places may name one twice


def _same(value: Tensor, x: Any, *others: Any, **more: Any) -> float | None:
    return x.bound


def _quarter(value: Tensor, x: Any) -> float | None:
    return 0.25 * x.bound


RULES: dict[Any, Callable[..., float | None]] = {
    **dict.fromkeys([operator.add, operator.iadd, torch.add, "add", "add_"], _sum),
    **dict.fromkeys([operator.sub, operator.isub, torch.sub, "sub", "sub_"], _sum),
    **dict.fromkeys([operator.mul, operator.imul, torch.mul, "mul", "mul_"], _product),
    **dict.fromkeys([operator.truediv, operator.itruediv, torch.div, "div", "div_"], _quotient),
    **dict.fromkeys([torch.cat, torch.concat], _concatenation),
    operator.getitem: _part,
    **dict.fromkeys(
        [torch.flatten, torch.reshape, torch.squeeze, torch.permute, operator.neg], _same
    ),
    **dict.fromkeys(["flatten", "reshape", "view", "squeeze", "unsqueeze", "permute"], _same),
    **dict.fromkeys(["transpose", "contiguous", "to", "float", "double", "detach"], _same),
    **dict.fromkeys([torch.relu, functional.relu, "relu", "relu_"], _same),
    **dict.fromkeys([torch.tanh, functional.tanh, "tanh"], _same),
    **dict.fromkeys([torch.sigmoid, functional.sigmoid, "sigmoid"], _quarter),
}
