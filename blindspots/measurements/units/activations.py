"""Activations of any module of a network by its name, before and after the nonlinearity.

The activations are the output of a named module. The output of a `Linear` or a convolution is
before the nonlinearity that follows it; the output of an activation module is after it. A forward
pass on one image determines which is which: an activation module is "after", and the module whose
output it gets is "before". Nonlinearities that a `forward` applies as functions are not modules and
have no name; the next module's output stands for them.

Units are along the axis after the batch axis, like the channels of a convolution; all other axes
are places. A `Linear` or `LayerNorm` over tokens has its units along the last axis and is not
supported as a layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.config.methods import did_you_mean
from blindspots.interface import InputError

POOLS = ("mean", "max")
BEFORE, AFTER, NEITHER = "before", "after", "neither"
_NO_UNITS = ("Softmax", "LogSoftmax", "Softmin", "Softmax2d", "MultiheadAttention")
"""Modules of `torch.nn.modules.activation` that do not act on each unit separately."""


class Layer(NamedTuple):
    """Module whose outputs are a layer of units.

    Attributes:
        name: path in the network, such as "features.3".
        kind: type of the module, such as "ReLU".
        place: "before" or "after" a nonlinearity, or "neither".
        units: number of units, or of channels of a convolution.
    """

    name: str
    kind: str
    place: str
    units: int


def layers(model: nn.Module, image: Tensor, names: Sequence[str] | str = "all") -> list[Layer]:
    """Layers of a network, in the order in which their forward passes end.

    Args:
        model: the network, in evaluation mode.
        image: (1, *image), shown to the network once.
        names: names of modules; "all": activations, and modules with weights of their own.

    Raises:
        InputError: an unknown name, or the name of a module that is applied more than once; the
            message lists the layers.
    """
    calls = _calls(model, image)
    counts: dict[str, int] = {}
    for name, *_ in calls:
        counts[name] = counts.get(name, 0) + 1
    before = {id(given) for _, module, given, _ in calls if _is_activation(module)}
    found = {}
    for name, module, _, output in calls:
        over_tokens = isinstance(module, nn.Linear | nn.LayerNorm) and output.ndim > 2
        if counts[name] == 1 and isinstance(output, Tensor) and output.ndim > 1 and not over_tokens:
            inside = _is_activation(module)
            place = AFTER if inside else BEFORE if id(output) in before else NEITHER
            found[name] = Layer(name, type(module).__name__, place, output.shape[1])
    if isinstance(names, str) and names == "all":
        modules = dict(model.named_modules())
        return [
            layer
            for layer in found.values()
            if layer.place == AFTER or any(True for _ in modules[layer.name].parameters(False))
        ]
    for name in names:
        if name not in found:
            repeated = "which is applied more than once" if name in counts else "which is not one"
            raise InputError(
                f"layers: expected layers of this network ({', '.join(found)}), found {name!r}, "
                f"{repeated}{did_you_mean(name, found)}"
            )
    return [found[name] for name in names]


def activations(
    model: nn.Module, chunks: Iterable[Tensor], names: Sequence[str], pool: str = "mean"
) -> dict[str, np.ndarray]:
    """Outputs of modules for images that come in chunks.

    Args:
        model: the network, in evaluation mode.
        chunks: chunks of images, each (m, *image), on the model's device.
        names: names of modules, such as those that `layers` returns.
        pool: "mean" or "max" over the places of a convolution.

    Returns:
        Activations (n, units) float32 by name, in the order of the images.

    Raises:
        InputError: activations that are not finite.
    """
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}

    def keep(name: str, output: Tensor) -> None:
        parts[name].append(pooled(output, pool).float().cpu().numpy())

    with torch.no_grad(), _hooked(model, dict.fromkeys(names, keep)):
        for images in chunks:
            model(images)
    found = {name: np.concatenate(given) for name, given in parts.items()}
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise InputError(f"layer {name!r}: expected finite activations, found inf or NaN")
    return found


def pooled(output: Tensor, pool: str) -> Tensor:
    """Pool (m, units, *places) to (m, units), as a copy: the next layer may work in place."""
    if output.ndim == 2:
        return output.detach().clone()
    places = output.detach().flatten(2)
    return places.mean(dim=2) if pool == "mean" else places.amax(dim=2)


@contextmanager
def _hooked(model: nn.Module, hooks: dict[str, Any]) -> Iterator[None]:
    """Call each hook, given by the name of a module, with the name and output after that module.

    If a hook returns a tensor, it replaces the output.
    """
    modules = dict(model.named_modules())
    handles = [
        modules[name].register_forward_hook(
            lambda module, given, output, name=name, hook=hook: hook(name, output)
        )
        for name, hook in hooks.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def replaced(model: nn.Module, name: str, images: Tensor, change: Any) -> Tensor:
    """Outputs of a network with the output of one of its modules replaced.

    Args:
        model: the network, in evaluation mode.
        name: name of the module.
        images: (m, *image).
        change: function from the module's output to its replacement, for any number of images.
    """
    with torch.no_grad(), _hooked(model, {name: lambda _, output: change(output)}):
        return model(images)


def _calls(model: nn.Module, image: Tensor) -> list[tuple[str, nn.Module, Any, Any]]:
    """Record the calls of modules: name, module, first argument and output.

    The tensors are kept so that their identities stay distinct.
    """
    calls = []
    handles = [
        module.register_forward_hook(
            lambda module, given, output, name=name: calls.append(
                (name, module, given[0] if given else None, output)
            )
        )
        for name, module in model.named_modules()
        if name
    ]
    try:
        with torch.no_grad():
            model(image)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _is_activation(module: nn.Module) -> bool:
    kind = type(module)
    return kind.__module__ == "torch.nn.modules.activation" and kind.__name__ not in _NO_UNITS
