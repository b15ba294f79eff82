"""A network as the list of the steps that it takes, from a trace of its `forward`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from blindspots.bounds.functionals import as_layer
from blindspots.bounds.layers import BOUNDS, check_known
from blindspots.interface import InputError


class Value(NamedTuple):
    """A tensor that flows through a network.

    Attributes:
        number: of the step that made it, counted from 1; 0 is the network's input.
        shape: of one image's, without the batch.
    """

    number: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in it."""
        return prod(self.shape)


class Step(NamedTuple):
    """A layer that is applied, or an operation between layers.

    Attributes:
        path: in the network, such as "encoder.1".
        kind: type of the layer or name of the operation, such as "Linear" or "add".
        operation: the layer; or the function or the name of the method that is called.
        arguments: of the operation, with a `Value` for each tensor that depends on the input.
        tensors: those alone.
        result: what it makes.
        run: what it does, on tensors in the place of `tensors`, in a batch of one.
    """

    path: str
    kind: str
    operation: Any
    arguments: tuple[Any, ...]
    tensors: list[Value]
    result: Value
    run: Callable[..., Tensor]


def steps(model: nn.Module, input_shape: Sequence[int]) -> list[Step]:
    """The steps of a network in the order in which they are taken, run on one image of zeros.

    Args:
        model: in evaluation mode; its `forward` must be traceable by `torch.fx`.
        input_shape: of an image, without the batch.

    Raises:
        InputError: a layer without a known bound, weights that are not finite, or a model that
            cannot be traced; names the path in the network.
    """
    _check_finite(model)
    walk = _Walk(_traced(model))
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
    tracer = _Tracer()
    if tracer.is_leaf_module(model, ""):
        model = nn.Sequential(model)
    try:
        return fx.GraphModule(model, tracer.trace(model))
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


PROPERTIES = {"shape", "size", "dim", "ndim", "numel", "nelement", "dtype", "device"}
"""What is asked of a tensor without looking at its numbers."""


class _Flowing(NamedTuple):
    """A tensor of the run, and what it is called in the steps."""

    tensor: Tensor
    value: Value


class _Walk(fx.Interpreter):
    """Runs the network and writes down its steps."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.extra_traceback = False  # an error stays one line
        self.found: list[Step] = []

    def run_node(self, n: fx.Node) -> Any:
        self._node = n
        return super().run_node(n)

    def placeholder(self, target: Any, args: Any, kwargs: Any) -> _Flowing:
        image = super().placeholder(target, args, kwargs)
        return _Flowing(image, Value(0, tuple(image.shape[1:])))

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        layer = self.fetch_attr(target)
        try:
            check_known(layer)
        except InputError as error:
            raise InputError(f"layer {target!r} ({type(layer).__name__}): {error}") from None
        return self._step(target, type(layer).__name__, layer, layer, args, kwargs)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        method = getattr(torch.Tensor, target)
        return self._step(self._place(), target, target, method, args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        name, path = getattr(target, "__name__", str(target)), self._place()
        try:
            layer = as_layer(target, args[1:], kwargs)
        except InputError as error:
            raise InputError(f"layer {path!r} ({name}): {error}") from None
        if layer is None:
            return self._step(path, name, target, target, args, kwargs)
        return self._step(path, type(layer).__name__, layer, target, args, kwargs)

    def _place(self) -> str:
        stack = list(self._node.meta.get("nn_module_stack") or {})
        return ".".join([*stack[-1:], self._node.name]).lstrip(".")

    def _step(
        self, path: str, kind: str, key: Any, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        flowing: list[_Flowing] = []
        _mapped((args, kwargs), flowing.append)
        given = [one.value for one in flowing]

        def run(*tensors: Tensor) -> Tensor:
            line = iter(tensors)
            filled, named = _mapped((args, kwargs), lambda _: next(line))
            return function(*filled, **named)

        try:
            result = run(*(one.tensor for one in flowing))
        except (RuntimeError, ValueError) as error:
            found = ", ".join(str(x.shape) for x in given)
            raise InputError(
                f"layer {path!r} ({kind}): expected an input that the layer takes, found {found} "
                f"({str(error).splitlines()[0]}); change input_shape or the network"
            ) from None
        if not given or (key is getattr and args[1] in PROPERTIES) or key in PROPERTIES:
            return result
        if not isinstance(result, Tensor):
            raise InputError(
                f"layer {path!r} ({kind}): expected an operation with a known Lipschitz bound, "
                "found one that makes something else than a tensor; leave this net out of "
                "lipschitz.nets"
            )
        value = Value(len(self.found) + 1, tuple(result.shape[1:]))
        arguments = _mapped((*args, *kwargs.values()), lambda one: one.value)
        self.found.append(Step(path, kind, key, arguments, given, value, run))
        return _Flowing(result, value)


def _mapped(arguments: Any, change: Callable[[_Flowing], Any]) -> Any:
    """Arguments in which every tensor of the run is replaced, in order."""
    if isinstance(arguments, _Flowing):
        return change(arguments)
    if isinstance(arguments, tuple | list):
        return type(arguments)(_mapped(a, change) for a in arguments)
    if isinstance(arguments, dict):
        return {key: _mapped(a, change) for key, a in arguments.items()}
    return arguments
