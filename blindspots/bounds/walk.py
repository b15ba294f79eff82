"""The steps that a network takes, recorded while its trace runs on one image."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx

from blindspots.bounds.functionals import as_layer
from blindspots.bounds.layers import check_known
from blindspots.bounds.tracing import said
from blindspots.bounds.unmodified import is_pytorchs
from blindspots.interface import UnsupportedError


class Value(NamedTuple):
    """A tensor that flows through a network.

    Attributes:
        number: number of the step that made it, from 1; 0 is the network's input.
        shape: shape for one image, without the batch.
    """

    number: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of its entries."""
        return prod(self.shape)


class Step(NamedTuple):
    """A layer that is applied, or an operation between layers.

    Attributes:
        path: path in the network, such as "encoder.1".
        kind: type of the layer or name of the operation, such as "Linear" or "add".
        operation: the layer; or the function or the name of the method that is called.
        arguments: arguments of the operation, with a `Value` for each tensor that depends on the
            input.
        tensors: these values.
        result: value of its result.
        run: the step as a function of tensors in the place of `tensors`, in a batch of one.
    """

    path: str
    kind: str
    operation: Any
    arguments: tuple[Any, ...]
    tensors: list[Value]
    result: Value
    run: Callable[..., Tensor]


PROPERTIES = {"shape", "size", "dim", "ndim", "numel", "nelement", "dtype", "device"}
"""Attributes of a tensor that do not depend on its numbers."""

CASTS = {"to", "float", "double", "type", "type_as"}
"""Methods that change the type of a tensor's numbers, or leave it if it is that type."""


class _Flowing(NamedTuple):
    """A tensor of the run, and its value in the steps."""

    tensor: Tensor
    value: Value


class Walk(fx.Interpreter):
    """Runs the network and records its steps.

    Attributes:
        found: the steps.
        casts: names of the nodes that do not change the type of tensors of the run.
    """

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.extra_traceback = False  # an error stays one line
        self.found: list[Step] = []
        self.casts: set[str] = set()

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, remembered for its path."""
        self._node = n
        return super().run_node(n)

    def placeholder(self, target: Any, args: Any, kwargs: Any) -> _Flowing:
        """The image."""
        image = super().placeholder(target, args, kwargs)
        return _Flowing(image, Value(0, tuple(image.shape[1:])))

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A layer."""
        layer = self.fetch_attr(target)
        try:
            check_known(layer)
        except UnsupportedError as error:
            raise UnsupportedError(f"layer {target!r} ({type(layer).__name__}): {error}") from None
        return self._step(target, type(layer).__name__, layer, layer, args, kwargs)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A method of a tensor."""
        owner = torch.Tensor if isinstance(args[0], _Flowing) else type(args[0])
        return self._step(self._place(), target, target, getattr(owner, target), args, kwargs)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """A function; one that is a layer's as that layer."""
        name, path = getattr(target, "__name__", str(target)), self._place()
        for first in ("input", "tensors"):  # the same by keyword
            if not args and first in kwargs:
                args, kwargs = (kwargs[first],), {k: v for k, v in kwargs.items() if k != first}
        try:
            layer = as_layer(target, args[1:], kwargs)
        except UnsupportedError as error:
            raise UnsupportedError(f"layer {path!r} ({name}): {error}") from None
        if layer is None:
            return self._step(path, name, target, target, args, kwargs)
        return self._step(path, type(layer).__name__, layer, target, args, kwargs)

    def output(self, target: Any, args: Any, kwargs: Any) -> Any:
        """The logits."""
        if not isinstance(args[0], _Flowing):
            raise UnsupportedError(
                "expected a forward that returns one tensor made of the images, found "
                f"{type(args[0]).__name__}; leave this net out"
            )
        return args[0].tensor

    def _place(self) -> str:
        stack = list(self._node.meta.get("nn_module_stack") or {})
        return ".".join([*stack[-1:], self._node.name]).lstrip(".")

    def _step(
        self, path: str, kind: str, key: Any, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        flowing: list[_Flowing] = []
        _mapped((args, kwargs), flowing.append)
        given = [one.value for one in flowing]
        versions = [one.tensor._version for one in flowing]

        def run(*tensors: Tensor) -> Tensor:
            line = iter(tensors)
            filled, named = _mapped((args, kwargs), lambda _: next(line))
            return function(*filled, **named)

        def refused(expected: str, found: str) -> UnsupportedError:
            remedy = "leave this net out"
            return UnsupportedError(
                f"layer {path!r} ({kind}): expected {expected}, found {found}; {remedy}"
            )

        try:
            result = run(*(one.tensor for one in flowing))
        except Exception as error:  # any error of PyTorch for invalid arguments
            shapes = ", ".join(str(x.shape) for x in given)
            raise refused("an input that the layer takes", f"{shapes} ({said(error)})") from None
        if not given or (key is getattr and args[1] in PROPERTIES) or key in PROPERTIES:
            return result
        if isinstance(key, str) and not is_pytorchs(function):
            raise refused("PyTorch's own method", f"one of {function.__module__}")
        if not isinstance(result, Tensor):
            raise refused("an operation with a known Lipschitz bound", "one that makes no tensor")
        if any(isinstance(one, _Flowing) for one in kwargs.values()):
            raise refused("tensors that are made of the images in their places", "one by keyword")
        like = flowing[0].tensor
        if result.shape[:1] != (1,) or (result.dtype, result.device) != (like.dtype, like.device):
            what = f"shape {tuple(result.shape)} and {result.dtype} from a batch of one"
            raise refused("a result for each image, of the images' type", what)
        for one, version in zip(flowing, versions, strict=True):
            if one.tensor._version != version and self._is_seen_later(one.tensor):
                raise refused("a tensor that is changed in place to be used no more", "a later use")
        if key in CASTS:
            self.casts.add(self._node.name)
        value = Value(len(self.found) + 1, tuple(result.shape[1:]))
        arguments = _mapped((*args, *kwargs.values()), lambda one: one.value)
        self.found.append(Step(path, kind, key, arguments, given, value, run))
        return _Flowing(result, value)

    def _is_seen_later(self, changed: Tensor) -> bool:
        """Return whether another view of the tensor that a node changes in place is used later."""
        order = {node: place for place, node in enumerate(self.graph.nodes)}
        storage = changed.untyped_storage().data_ptr()
        return any(
            order[user] > order[self._node]
            for node, made in self.env.items()
            if isinstance(made, _Flowing) and made.tensor.untyped_storage().data_ptr() == storage
            for user in node.users
        )


def _mapped(arguments: Any, change: Callable[[_Flowing], Any]) -> Any:
    """Arguments in which every tensor of the run is replaced, in order."""
    if isinstance(arguments, _Flowing):
        return change(arguments)
    if isinstance(arguments, tuple | list):
        return type(arguments)(_mapped(a, change) for a in arguments)
    if isinstance(arguments, dict):
        return {key: _mapped(a, change) for key, a in arguments.items()}
    return arguments
