"""What every attack takes, checked before any work, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from blindspots.interface import AttackResult, Box, InputError, Status
from blindspots.methods import did_you_mean


def check_arguments(images: Tensor, labels: Tensor, targets: Tensor | None, box: Box) -> None:
    """Refuse what is no tensor of its kind, images outside the box and targets that are no target.

    Raises:
        InputError: names the argument and the first image that offends.
    """
    _check_kind("images", images, torch.float32, torch.float64)
    n = len(images)
    if n == 0:
        raise InputError("images: expected at least one, found none")
    for name, answers in (("labels", labels), ("targets", targets)):
        if answers is None:
            continue
        if isinstance(answers, Tensor) and answers.shape != (n,):
            raise InputError(f"{name}: expected shape ({n},), found {tuple(answers.shape)}")
        _check_kind(name, answers, torch.int64)
    outside = ~((images >= box.lower) & (images <= box.upper)).flatten(1).all(dim=1)
    if outside.any():
        raise InputError(
            f"images[{_first(outside)}]: expected pixels in [{box.lower:g}, {box.upper:g}], "
            "found one outside, or not a number"
        )
    if targets is not None and (targets == labels).any():
        at = _first(targets == labels)
        raise InputError(
            f"targets[{at}]: expected a class other than the label, found {int(targets[at])}"
        )


def check_answers(
    model: nn.Module, images: Tensor, labels: Tensor, targets: Tensor | None, classes: int | None
) -> int:
    """Refuse a model or classes that do not fit each other; how many logits there are.

    Raises:
        InputError: names the argument and the first image that offends.
    """
    _check_evaluation(model)
    with torch.no_grad():
        logits = model(images[:1])
    if not isinstance(logits, Tensor):
        raise InputError(
            f"model: expected a tensor of logits, found {type(logits).__name__}; "
            "wrap it in a module that returns the logits alone"
        )
    if logits.ndim != 2 or logits.shape[1] < (classes or 2):
        raise InputError(
            f"model: expected logits of shape (n, {classes or 2} or more), "
            f"found ({', '.join(['n', *map(str, logits.shape[1:])])})"
        )
    classes = classes or logits.shape[1]
    for name, answers in (("labels", labels), ("targets", targets)):
        if answers is not None and ((answers < 0) | (answers >= classes)).any():
            at = _first((answers < 0) | (answers >= classes))
            raise InputError(
                f"{name}[{at}]: expected a class from 0 to {classes - 1}, found {int(answers[at])}"
            )
    return logits.shape[1]


def check_finite(fine: Tensor, rows: Tensor) -> None:
    """Refuse a model that has no finite logits for the images `rows` (k,) where `fine` (k,) fails.

    Raises:
        InputError: names the first image that offends.
    """
    if not fine.all():
        at = int(rows[~fine].min())
        raise InputError(f"model: expected finite logits, found others at images[{at}]")


def check_result(found: Any, images: Tensor, box: Box | None, attack: str) -> None:
    """Refuse what an attack returned where it is not what the contract says.

    Args:
        found: what it returned.
        images: that it was given, untouched.
        box: range of a pixel; None: it may leave it.
        attack: its name, for the message.

    Raises:
        InputError: names the attack, and the field and the image that offend.
    """
    if not isinstance(found, AttackResult):
        raise InputError(f"{attack}: expected an AttackResult, found {type(found).__name__}")
    each: tuple[int, ...] = (len(images),)
    like = tuple(images.shape), {images.dtype}
    expected = dict.fromkeys(("originals", "images"), like)
    expected["success"] = each, {torch.bool}
    expected |= {name: (each, {torch.int64}) for name in ("status", "forwards", "backwards")}
    if found.penalty is not None:
        expected["penalty"] = each, {torch.float32, torch.float64}
    for name, (shape, dtypes) in expected.items():
        value = getattr(found, name)
        if not isinstance(value, Tensor) or value.shape != shape or value.dtype not in dtypes:
            kind = " or ".join(sorted(str(dtype) for dtype in dtypes))
            raise InputError(
                f"{attack}: {name}: expected a tensor {tuple(shape)} of {kind}, found "
                f"{type(value).__name__} {tuple(getattr(value, 'shape', ()))} of "
                f"{getattr(value, 'dtype', 'no type')}"
            )
    if found.images.requires_grad:
        raise InputError(
            f"{attack}: images: expected none that has a gradient, found one; detach it"
        )
    if not torch.equal(found.originals, images):
        raise InputError(
            f"{attack}: originals: expected the images as they were given, found others; change a "
            "clone"
        )
    lower, upper = (box.lower, box.upper) if box else (-torch.inf, torch.inf)
    outside = ~((found.images >= lower) & (found.images <= upper)).flatten(1).all(dim=1)
    if outside.any():
        raise InputError(
            f"{attack}: images[{_first(outside)}]: expected pixels in "
            f"[{lower:g}, {upper:g}], found one outside, or not a number; clamp them"
        )
    odd = ~torch.isin(found.status, torch.tensor(list(Status)).to(found.status))
    if odd.any():
        raise InputError(
            f"{attack}: status[{_first(odd)}]: expected a value of Status, found "
            f"{int(found.status[_first(odd)])}"
        )


def check_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a setting that is not one of those known.

    Raises:
        InputError: names them.
    """
    if value not in known:
        raise InputError(
            f"{name}: expected one of {', '.join(known)}, "
            f"found {value!r}{did_you_mean(value, known)}"
        )


def _check_kind(name: str, value: Tensor, *kinds: torch.dtype) -> None:
    found = value.dtype if isinstance(value, Tensor) else type(value).__name__
    if found not in kinds:
        wanted = " or ".join(str(kind) for kind in kinds)
        raise InputError(f"{name}: expected a tensor of {wanted}, found {found}")


def _check_evaluation(model: nn.Module) -> None:
    """A layer whose answers to an image depend on the batch, or on chance, is for training."""
    layers = model.named_modules() if isinstance(model, nn.Module) else ()
    for name, layer in layers:
        if layer.training and isinstance(layer, _BatchNorm | _DropoutNd):
            raise InputError(
                f"model: expected evaluation mode, found {type(layer).__name__} "
                f"{name or 'itself'!r} in training; call model.eval()"
            )


def _first(offending: Tensor) -> int:
    return int(torch.nonzero(offending)[0])
