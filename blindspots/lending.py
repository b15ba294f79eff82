"""Detect changes of a model by a function that it was passed to."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class State(NamedTuple):
    """State that a model's answers depend on: tensors by name, and each module's mode and hooks."""

    tensors: dict[str, Tensor]
    modules: dict[str, tuple[Any, ...]]


def state(model: nn.Module, image: Tensor | None = None) -> State:
    """Copy a model's state; with an image, only the tensors that a forward pass leaves unchanged.

    Args:
        model: any model.
        image: (1, *image); its answer is ignored.
    """
    found = State({name: tensor.clone() for name, tensor in _tensors(model)}, _modules(model))
    if image is None:
        return found
    with torch.no_grad():
        model(image.clone())
    tensors = dict(_tensors(model))
    kept = {n: t for n, t in found.tensors.items() if n in tensors and _is_same(t, tensors[n])}
    return found._replace(tensors=kept)


def changed(before: State, model: nn.Module) -> str | None:
    """Description of what changed in a model since its `state` was taken; None if nothing."""
    tensors, modules = dict(_tensors(model)), _modules(model)
    for name, old in before.tensors.items():
        if name not in tensors or not _is_same(old, tensors[name]):
            return f"tensor {name!r}"
    for name in [*before.modules, *modules]:
        if before.modules.get(name) != modules.get(name):
            return f"the mode or the hooks of {name or 'the model itself'!r}"
    return None


def _is_same(old: Tensor, new: Tensor) -> bool:
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return False
    new = new.to(old.device)
    return bool(((old == new) | ((old != old) & (new != new))).all())  # NaN equals NaN


def _tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    named = [*model.named_parameters(), *model.named_buffers()]
    return [(name, tensor.detach()) for name, tensor in named]


def _modules(model: nn.Module) -> dict[str, tuple[Any, ...]]:
    return {
        name: (module.training, *module._forward_pre_hooks, *module._forward_hooks)
        for name, module in model.named_modules()
    }
