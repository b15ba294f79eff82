"""Models that are lent to others' functions, and what those changed of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn


class State(NamedTuple):
    """What a model's answers depend on: its tensors by name, and of its modules mode and hooks."""

    tensors: dict[str, Tensor]
    modules: dict[str, tuple[Any, ...]]


def state(model: nn.Module) -> State:
    """A copy of a model's state."""
    return State({name: tensor.clone() for name, tensor in _tensors(model)}, _modules(model))


def changed(before: State, model: nn.Module) -> str | None:
    """What has changed of a model since its `state` was taken, in words; None: nothing."""
    tensors, modules = dict(_tensors(model)), _modules(model)
    for name in [*before.tensors, *tensors]:
        old, new = before.tensors.get(name), tensors.get(name)
        if old is None or new is None or old.dtype != new.dtype or old.shape != new.shape:
            return f"tensor {name!r}"
        new = new.to(old.device)
        if not ((old == new) | ((old != old) & (new != new))).all():
            return f"the numbers of {name!r}"
    for name in [*before.modules, *modules]:
        if before.modules.get(name) != modules.get(name):
            return f"the mode or the hooks of {name or 'the model itself'!r}"
    return None


def _tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    named = [*model.named_parameters(), *model.named_buffers()]
    return [(name, tensor.detach()) for name, tensor in named]


def _modules(model: nn.Module) -> dict[str, tuple[Any, ...]]:
    return {
        name: (module.training, *module._forward_pre_hooks, *module._forward_hooks)
        for name, module in model.named_modules()
    }
