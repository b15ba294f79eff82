"""An exported program as a module: its layers under their own names, the rest as operations."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import fx, nn

from blindspots.interface import InputError
from blindspots.models._allowed import operator_of
from blindspots.models._operators import LAYERS, OPERATIONS, TENSORS
from blindspots.models._program import DTYPES, Program

FORMATS = {
    1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d,
    4: torch.preserve_format,
}  # fmt: skip

BY_NAME = 2
"""The kind of an argument that is passed by keyword."""

INFINITE = {"Infinity", "-Infinity", "NaN"}

ARITHMETIC = {"getitem", "add", "sub", "mul", "floordiv", "neg"}
"""Functions of Python's `operator` on sizes."""


def network(program: Program) -> fx.GraphModule:
    """A module in evaluation mode that computes what the program does.

    Fully connected layers, convolutions and batch normalisation become modules again at the paths
    that they had in the model, so that weights keep their names.

    Raises:
        InputError: an operator that is not one of PyTorch's own for tensors, or dropout or batch
            normalisation that was exported in training.
    """
    return _Builder(program).build()


class _Builder:
    def __init__(self, program: Program) -> None:
        self.program, self.graph, self.root = program, fx.Graph(), nn.Module()
        self.made: dict[str, fx.Node] = {}
        self.layers: dict[str, dict[str, Any]] = {}  # settings by path

    def build(self) -> fx.GraphModule:
        trained = self.program.parameters
        for name, tensor in self.program.tensors.items():
            path, _, leaf = name.rpartition(".")
            owner = _container(self.root, path)
            if name in trained:
                owner.register_parameter(leaf, nn.Parameter(tensor, tensor.is_floating_point()))
            else:
                owner.register_buffer(leaf, tensor)
        self.made[self.program.images] = self.graph.placeholder("images")
        for node in self.program.graph["nodes"]:
            self._name(node["outputs"], self._call(node))
        (result,) = self.program.graph["outputs"]
        self.graph.output(self._value(result))
        return fx.GraphModule(self.root, self.graph, "Exported").eval()

    def _call(self, node: Mapping[str, Any]) -> fx.Node:
        target, inputs = node["target"], node["inputs"]
        aten = re.fullmatch(r"torch\.ops\.aten\.(\w+)\.(\w+)", target)
        simple = re.fullmatch(r"_operator\.(\w+)", target)
        call: Any = None
        if aten is not None:
            call = operator_of(aten[1], aten[2], inputs)
        elif simple is not None and simple[1] in ARITHMETIC and not _has_names(inputs):
            call = getattr(operator, simple[1])
        if call is None:
            texts = sorted(i["arg"]["as_string"] for i in inputs if "as_string" in i["arg"])
            told = f"{target!r} with {texts}" if texts else f"{target!r}"
            raise InputError(f"expected operators on tensors and numbers (aten), found {told}")
        if aten is not None:
            name = f"{aten[1]}.{aten[2]}"
            layer = self._layer(name, inputs)
            if layer is not None:
                return layer
            call = OPERATIONS.get(name, call)
        args = tuple(self._value(i["arg"]) for i in inputs if i.get("kind") != BY_NAME)
        kwargs = {i["name"]: self._value(i["arg"]) for i in inputs if i.get("kind") == BY_NAME}
        if isinstance(call, str):
            return self.graph.call_method(call, args, kwargs)
        return self.graph.call_function(call, args, kwargs)

    def _layer(self, name: str, inputs: Sequence[Mapping[str, Any]]) -> fx.Node | None:
        """A call of the layer that an operator stands for, if its weights are the model's own."""
        if name not in LAYERS:
            return None
        given = {i["name"]: i["arg"] for i in inputs}
        lifted, settings, paths = {}, {}, set()
        for key, argument in given.items():
            tensor = self.program.lifted.get(argument.get("as_tensor", {}).get("name", ""))
            if key in TENSORS and tensor is None and "as_none" not in argument:
                return None  # a computed weight
            if tensor is not None and key in TENSORS:
                path, _, leaf = tensor.rpartition(".")
                paths.add(path if leaf == key else "")
                lifted[key] = self.program.tensors[tensor]
            elif key not in ("input", "cudnn_enabled") and argument != {"as_none": True}:
                settings[key] = self._value(argument)
        settings.pop("training", None)
        path = paths.pop() if len(paths) == 1 else ""
        known = {"name": name, **settings}
        if not path or "weight" not in lifted or self.layers.setdefault(path, known) != known:
            return None
        owner, _, leaf = path.rpartition(".")
        container = self.root.get_submodule(path)
        held = container.state_dict().keys()
        if held - {*TENSORS, "num_batches_tracked"}:
            return None
        layer = LAYERS[name](lifted, self._rank(given["input"]), **settings)
        for key in held:
            setattr(layer, key, getattr(container, key))
        setattr(self.root.get_submodule(owner), leaf, layer)
        return self.graph.call_module(path, (self._value(given["input"]),))

    def _rank(self, argument: Mapping[str, Any]) -> int:
        return len(self.program.graph["tensor_values"][argument["as_tensor"]["name"]]["sizes"])

    def _name(self, outputs: Sequence[Mapping[str, Any]], made: fx.Node) -> None:
        """Store the results of a node under the names that later nodes use."""
        if len(outputs) == 1 and "as_tensors" not in outputs[0]:
            ((_, value),) = outputs[0].items()
            self.made[value.get("name") or value.get("as_name")] = made
            return
        names = outputs[0]["as_tensors"] if len(outputs) == 1 else [o["as_tensor"] for o in outputs]
        for place, value in enumerate(names):
            item = self.graph.call_function(operator.getitem, (made, place))
            self.made[value["name"]] = item

    def _value(self, argument: Mapping[str, Any]) -> Any:
        """An argument of a node: an earlier result, a tensor of the model, or a number."""
        ((kind, value),) = argument.items()
        match kind:
            case "as_tensor":
                return self._tensor(value["name"])
            case "as_tensors":
                return [self._tensor(item["name"]) for item in value]
            case "as_optional_tensors":
                return [self._value(item) for item in value]
            case "as_sym_int" | "as_optional_tensor":
                return self._value(value)
            case "as_sym_ints":
                return [self._value(item) for item in value]
            case "as_name":
                return self.made[value]
            case "as_none":
                return None
            case "as_int" | "as_float" | "as_bool":
                return _number(value)
            case "as_ints" | "as_floats" | "as_bools":
                return [_number(item) for item in value]
            case "as_string" if isinstance(value, str):
                return value
            case "as_scalar_type":
                return DTYPES[value]
            case "as_memory_format":
                return FORMATS[value]
            case "as_layout":
                return torch.strided
            case "as_device":  # on the device of the images
                return self.graph.call_function(getattr, (self.made[self.program.images], "device"))
        raise InputError(f"expected tensors and numbers as arguments, found {argument}")

    def _tensor(self, name: str) -> fx.Node:
        if name in self.made:
            return self.made[name]
        return self.graph.get_attr(self.program.lifted[name])


def _number(value: Any) -> float:
    if value in INFINITE:
        return float(value)
    if isinstance(value, int | float):
        return value
    raise InputError(f"expected numbers as arguments, found {value!r}")


def _has_names(inputs: Sequence[Mapping[str, Any]]) -> bool:
    return any(given.get("kind") == BY_NAME or "as_string" in given["arg"] for given in inputs)


def _container(root: nn.Module, path: str) -> nn.Module:
    for name in filter(None, path.split(".")):
        if name not in root._modules:
            root.add_module(name, nn.Module())  # refuses a name that a module has already
        root = root.get_submodule(name)
    return root
