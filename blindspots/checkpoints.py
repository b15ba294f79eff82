"""Models in files that say what they are: safetensors with the model's config inside.

A model's *spec* is JSON: method, settings, shape of an image, classes, and the specs of the models
it was built from. Nothing is unpickled, but for a user's .pth file with ``weights_only=True``.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from blindspots import methods
from blindspots.answers import check_model
from blindspots.interface import InputError
from blindspots.tables import replacing

Spec = dict[str, Any]

PYTORCH = (".pth", ".pt")
"""Endings of files of PyTorch's own, read with ``weights_only=True``."""


PUBLISHED = "torchvision:"
"""Begins the name of weights that torchvision publishes, such as AlexNet_Weights.IMAGENET1K_V1."""


def create(
    method: str,
    settings: Mapping[str, Any],
    shape: Sequence[int],
    classes: int,
    *,
    parents: Mapping[str, str | Path] | None = None,
    seed: int = 0,
) -> tuple[nn.Module, Spec]:
    """A new model and its spec; the global random state is untouched.

    Args:
        method: a model's name, or module:function.
        settings: of the method.
        shape: of an image.
        classes: number of logits.
        parents: files of the models that this one is built from, by the name its method knows.
        seed: of the initial weights.

    Raises:
        InputError: no such method, or a parent's file that cannot be read.
    """
    spec = {
        "method": method,
        "settings": dict(settings),
        "shape": list(shape),
        "classes": classes,
        "parents": {name: spec_of(path) for name, path in (parents or {}).items()},
    }
    return _build(spec, {name: load(path) for name, path in (parents or {}).items()}, seed), spec


def save(path: str | Path, model: nn.Module, spec: Spec) -> None:
    """Write weights and spec to a .safetensors file, in one step."""
    tensors = {  # copies, since a file cannot hold a tensor that two names share
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in model.state_dict().items()
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"spec": json.dumps(spec, sort_keys=True)})


def load(path: str | Path) -> nn.Module:
    """The model in a file that `save` wrote, in evaluation mode.

    Raises:
        InputError: no such file, not a whole safetensors file, or one without a spec.
    """
    model = _empty(spec_of(path))
    load_weights(model, path)
    return model


def untrained(path: str | Path, *, seed: int) -> nn.Module:
    """A new model of the kind in a file, in evaluation mode; its parents are new as well.

    Raises:
        InputError: as `load`.
    """
    return _empty(spec_of(path), seed)


def spec_of(path: str | Path) -> Spec:
    """The spec in a file that `save` wrote.

    Raises:
        InputError: as `load`.
    """
    spec = _spec_in(path)
    if spec is None:
        raise InputError(
            f"{path}: expected a file that says what model it holds, found weights alone; "
            "build the model yourself and use load_weights"
        )
    return spec


def check_spec(path: str | Path, expected: Spec) -> None:
    """Refuse a file that says that it holds another model; one that says nothing passes.

    Raises:
        InputError: names what differs first.
    """
    spec = _spec_in(path)
    if spec is None:
        return
    found, wanted = _in_effect(spec), _in_effect(expected)
    for key in [*wanted, *found]:
        if found.get(key) != wanted.get(key):
            raise InputError(
                f"{path}: expected a model with {key} {wanted.get(key)!r}, as the config says, "
                f"found one with {found.get(key)!r}; change the model in the config or the file"
            )


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Put the weights of a .safetensors or .pth file into a model of the same shape.

    Args:
        model: of the weights' shape.
        path: of the file; or `PUBLISHED` and a name, for weights that are downloaded once.

    Raises:
        InputError: unreadable, no such weights or no way to them, or names or shapes that differ
            from the model's; names the first.
    """
    found = _tensors(path)
    expected = model.state_dict()
    for name in sorted(expected.keys() | found.keys()):
        if name not in found or name not in expected or found[name].shape != expected[name].shape:
            raise InputError(
                f"{path}: tensor {name!r}: expected {_shape(expected.get(name))}, "
                f"found {_shape(found.get(name))}; the weights belong to a model of another shape: "
                "change the model's settings or the file"
            )
    try:
        model.load_state_dict(found)
    except RuntimeError as error:  # sparse, quantised or without values
        raise _unreadable(path, error) from None
    model.eval()


def _spec_in(path: str | Path) -> Spec | None:
    if Path(path).suffix in PYTORCH:
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from None
    return json.loads(metadata["spec"]) if "spec" in metadata else None


def _in_effect(spec: Spec) -> dict[str, Any]:
    """Method, shape, classes and settings, with the method's defaults, as JSON has them."""
    settings = methods.defaults("models", spec["method"]) | spec["settings"]
    told = {key: spec[key] for key in ("method", "shape", "classes")} | settings
    return json.loads(json.dumps(told))


def _empty(spec: Spec, seed: int = 0) -> nn.Module:
    parents = {name: _empty(parent, seed) for name, parent in spec["parents"].items()}
    return _build(spec, parents, seed)


def _build(spec: Spec, parents: Mapping[str, nn.Module], seed: int) -> nn.Module:
    factory = methods.find("models", spec["method"])
    settings = spec["settings"] | ({"parents": parents} if parents else {})
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        model = factory(spec["shape"], spec["classes"], **settings)
        if ":" in spec["method"]:  # a user's own
            check_model(model, spec["method"], spec["shape"])
        return model.eval()


def _tensors(path: str | Path) -> dict[str, Tensor]:
    if str(path).startswith(PUBLISHED):
        return _published(str(path).removeprefix(PUBLISHED))
    try:
        if Path(path).suffix not in PYTORCH:
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"{path}: expected a weights-only file (a state_dict), found a pickled model, or no "
            "file of torch.save; save model.state_dict(), or call a .safetensors file so"
        ) from None
    except Exception as error:  # the two libraries share no base class, and raise many kinds
        raise _unreadable(path, error) from None
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in found.items()
    ):
        raise InputError(
            f"{path}: expected a mapping of names to tensors (a state_dict), found {_kind(found)}; "
            "save model.state_dict() alone"
        )
    return found


def _published(name: str) -> dict[str, Tensor]:
    try:
        from torchvision.models import get_weight  # seconds to import

        weights = get_weight(name)
    except (ImportError, RuntimeError) as error:  # it was built for another PyTorch
        raise InputError(
            f"{PUBLISHED}{name}: expected a torchvision that fits PyTorch, found none "
            f"({str(error).splitlines()[0]}); install a pair, or download the weights elsewhere "
            "and give their file"
        ) from None
    except (ValueError, KeyError):
        raise InputError(
            f"{PUBLISHED}{name}: expected weights that torchvision publishes, such as "
            "AlexNet_Weights.IMAGENET1K_V1, found none of this name; check the spelling"
        ) from None
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{PUBLISHED}{name}: expected to download {weights.url}, found no way to it "
            f"({str(error).splitlines()[0]}); download it elsewhere and give its file as weights"
        ) from None


def _kind(found: Any) -> str:
    return f"a mapping of {list(found)[:5]}" if isinstance(found, dict) else str(type(found))


def _unreadable(path: str | Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(
        f"{path}: expected a whole .safetensors or weights-only .pth file, "
        f"found one that cannot be read ({reason}); delete it and run the workflow again, or, "
        "where the config's weights: names it, replace it"
    )


def _shape(tensor: Tensor | None) -> str:
    return "none" if tensor is None else "×".join(map(str, tensor.shape)) or "a scalar"
