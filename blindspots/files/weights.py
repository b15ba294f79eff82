"""Self-describing files of models: weights in safetensors, with the model's spec as metadata.

A *spec* is JSON: method, settings, shape of an image, classes, and the specs of the parents, the
models that it is built from. A spec is not trusted: it may name only the package's methods, and
those users' methods that the caller allows. Nothing is unpickled, except a user's .pth file with
``weights_only=True``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from blindspots.config import methods, traits
from blindspots.files import _tensors
from blindspots.files._fitting import fitted
from blindspots.files.atomic import replacing
from blindspots.interface import InputError
from blindspots.threat.answers import check_model
from blindspots.threat.chance import by_chance, restored

Spec = dict[str, Any]


def create(
    method: str,
    settings: Mapping[str, Any],
    shape: Sequence[int],
    classes: int,
    *,
    parents: Mapping[str, str | Path] | None = None,
    draws: int | None = None,
    seed: int = 0,
    own: Collection[str] = (),
) -> tuple[nn.Module, Spec]:
    """Return a new model and its spec; the global random state is unchanged.

    Args:
        method: a model's name, or module:function.
        settings: settings of the method.
        shape: shape of an image.
        classes: number of logits.
        parents: files of the models that it is built from, by the method's names for them.
        draws: number of a stochastic model's answers by which each image is judged.
        seed: seed of the initial weights.
        own: users' functions that the parents' files may call, see `load`.

    Raises:
        InputError: no such method, or a parent's file that cannot be read.
    """
    spec = {
        "method": method,
        "settings": dict(settings),
        "shape": list(shape),
        "classes": classes,
        "parents": {name: spec_of(path) for name, path in (parents or {}).items()},
    } | ({} if draws is None else {"draws": draws})
    models = {name: load(path, own=own) for name, path in (parents or {}).items()}
    return _build(spec, models, seed), spec


def save(path: str | Path, model: nn.Module, spec: Spec) -> None:
    """Write weights, their SHA-256 and the spec to a .safetensors file, all or nothing."""
    tensors = {  # copies, since a file cannot hold a tensor that two names share
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in model.state_dict().items()
    }
    said = json.dumps(spec | {_tensors.DIGEST: _tensors.digest(tensors)}, sort_keys=True)
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"spec": said})


def load(path: str | Path, *, own: Collection[str] = ()) -> nn.Module:
    """Read the model from a file that `save` wrote, in evaluation mode.

    Args:
        path: path of the file.
        own: users' functions, as "module:function", that the file may call to build the model; a
            file that names another one is refused, since it could run any code.

    Raises:
        InputError: no such file, a damaged one, or one without a spec; an invalid spec, a model
            that does not fit the weights, or a function that is not in `own`.
    """
    model = _empty(path, own)
    load_weights(model, path)
    return model


def untrained(path: str | Path, *, seed: int, own: Collection[str] = ()) -> nn.Module:
    """Return a file's model with new weights, its own and its parents', in evaluation mode.

    Args:
        path: path of the file.
        seed: seed of the initial weights.
        own: users' functions that the file may call, see `load`.

    Raises:
        InputError: the errors of `load`.
    """
    return _empty(path, own, seed)


def spec_of(path: str | Path) -> Spec:
    """Read the spec from a file that `save` wrote.

    Raises:
        InputError: the errors of `load`.
    """
    spec = _spec_in(path)
    if spec is None:
        raise InputError(
            f"{path}: expected a file with a spec of its model, found weights alone; "
            "build the model yourself and use load_weights"
        )
    return spec


def check_spec(path: str | Path, expected: Spec) -> None:
    """Refuse a file whose spec differs from the expected one; a file without a spec passes.

    Raises:
        InputError: another spec; names the first difference.
    """
    spec = _spec_in(path)
    if spec is None:
        return
    for key in ("method", "shape", "classes"):
        _check_same(path, key, spec[key], expected[key])
    found, wanted = _settings(spec), _settings(expected)
    for key in [*wanted, *found]:
        _check_same(path, key, found.get(key), wanted.get(key))


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load the weights of a safetensors or `torch.save` file into a model of the same shapes.

    Args:
        model: model with the weights' names and shapes.
        path: path of the file, with any ending; or "torchvision:" and a name, for weights that are
            downloaded once.

    Raises:
        InputError: an unreadable file, weights that do not exist or cannot be downloaded, names,
            shapes or types that differ from the model's, or numbers that are not finite; names the
            first.
    """
    found = fitted(model, _tensors.tensors(path), path)
    try:
        model.load_state_dict(found)
    except RuntimeError as error:  # a user's module may refuse them
        raise _tensors.unreadable(path, error) from None
    model.eval()


def _spec_in(path: str | Path) -> Spec | None:
    text = _tensors.metadata(path).get("spec")
    if text is None:
        return None
    try:
        spec = json.loads(text)
        spec.pop(_tensors.DIGEST, None)
        if all(map(_is_spec, _lineage(spec))):
            return spec
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        pass
    raise InputError(
        f"{path}: expected a spec of a model (method, settings, shape, classes, parents) in its "
        f"metadata, found {text[:60]!r}; fetch or make the file again, or save its tensors alone"
    )


def _lineage(spec: Spec) -> Iterator[Spec]:
    """Yield the spec and those of all ancestors."""
    yield spec
    for parent in spec["parents"].values():
        yield from _lineage(parent)


def _is_spec(spec: Spec) -> bool:
    numbers = [*spec["shape"], spec["classes"], spec.get("draws", 1)]
    return (
        isinstance(spec["method"], str)
        and isinstance(spec["settings"], dict)
        and all(type(number) is int and number > 0 for number in numbers)
    )


def _settings(spec: Spec) -> dict[str, Any]:
    """Return the settings with the method's defaults, as JSON values."""
    return json.loads(json.dumps(methods.defaults("models", spec["method"]) | spec["settings"]))


def _check_same(path: str | Path, key: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise InputError(
            f"{path}: expected a model with {key} {expected!r}, as the config says, "
            f"found one with {found!r}; change the model in the config or the file"
        )


def _empty(path: str | Path, own: Collection[str], seed: int = 0) -> nn.Module:
    """Return the model of a file's spec with new weights."""
    spec = spec_of(path)
    used = [one["method"] for one in _lineage(spec)]
    named = {method for method in used if ":" in method}
    if strange := sorted(named - set(own)):
        raise InputError(
            f"{path}: expected a model of the package, found one made by {strange[0]!r}, which "
            f"could run any code; if you know that function, pass own=[{strange[0]!r}], or in a "
            "config name it as the model's method"
        )
    if named:
        return _descended(spec, seed)
    try:
        if not any(traits.own_weights(s["method"], s["settings"]) for s in _lineage(spec)):
            _check_size(path, spec)
        return _descended(spec, seed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:  # any error of unchecked settings
        raise InputError(
            f"{path}: expected settings of the model {spec['method']!r}, found "
            f"{str(spec['settings'])[:100]} ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:100]}); fetch the file again"
        ) from None


def _check_size(path: str | Path, spec: Spec) -> None:
    """Refuse a spec whose model has another size than the weights, before a vast one is built."""
    with torch.device("meta"):  # takes no memory
        made = sum(tensor.numel() for tensor in _descended(spec, 0).state_dict().values())
    if made != (held := _tensors.numbers(path)):
        raise InputError(
            f"expected the {made} numbers of the model in its spec, found {held}; fetch it again"
        )


def _descended(spec: Spec, seed: int) -> nn.Module:
    parents = {name: _descended(parent, seed) for name, parent in spec["parents"].items()}
    return _build(spec, parents, seed)


def _build(spec: Spec, parents: Mapping[str, nn.Module], seed: int) -> nn.Module:
    factory = methods.find("models", spec["method"])
    settings = spec["settings"] | ({"parents": parents} if parents else {})
    with restored():
        torch.manual_seed(seed)
        model = factory(spec["shape"], spec["classes"], **settings)
        if "draws" in spec and isinstance(model, nn.Module):
            by_chance(model, spec["draws"])
        if ":" in spec["method"]:  # a user's function
            check_model(model, spec["method"], spec["shape"])
        return model.eval()
