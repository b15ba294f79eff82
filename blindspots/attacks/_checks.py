"""Checks of the arguments that every attack takes, before any work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from blindspots.attacks._room import checked_box, shown_range
from blindspots.config.methods import did_you_mean
from blindspots.interface import Box, InputError
from blindspots.threat.trial import trial


def check_arguments(
    images: Tensor, labels: Tensor, targets: Tensor | None, box: Sequence[Any] | None
) -> tuple[Tensor, Box]:
    """Reject wrong types, images outside the box, and targets equal to the label.

    Returns:
        The images without their history, so that nothing is recorded, and the box.

    Raises:
        InputError: names the argument and the first image that offends.
    """
    _check_kind("images", images, torch.float32, torch.float64)
    n = len(images) if images.ndim else 0
    if n == 0:
        raise InputError("images: expected at least one, found none")
    if images.ndim < 2:
        raise InputError(f"images: expected shape (n, *image), found {tuple(images.shape)}")
    box = checked_box(box, images)
    for name, answers in (("labels", labels), ("targets", targets)):
        if answers is None:
            continue
        if isinstance(answers, Tensor) and answers.shape != (n,):
            raise InputError(f"{name}: expected shape ({n},), found {tuple(answers.shape)}")
        _check_kind(name, answers, torch.int64)
        if answers.device != images.device:
            raise InputError(
                f"{name}: expected a tensor on {images.device}, as the images are, found one on "
                f"{answers.device}"
            )
    images = images.detach()
    outside = ~((images >= box.lower) & (images <= box.upper)).flatten(1).all(dim=1)
    if outside.any():
        raise InputError(
            f"images[{_first(outside)}]: expected pixels in {shown_range(box)}, "
            "found one outside, or not a number"
        )
    if targets is not None and (targets == labels).any():
        at = _first(targets == labels)
        raise InputError(
            f"targets[{at}]: expected a class other than the label, found {int(targets[at])}"
        )
    return images, box


def check_answers(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None,
    classes: int | None,
    box: Box,
) -> Tensor:
    """Refuse a model that does not fit its classes, and return logits (3, logits) of its `trial`.

    Raises:
        InputError: names the argument and the first image that offends.
    """
    _check_surroundings(images.device)
    _check_module(model)
    try:
        logits = trial(model, images.shape[1:], box=box, like=images)
    except InputError as error:
        raise InputError(f"model: {error}") from None
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        kind = str(images.dtype).removeprefix("torch.")
        raise InputError(
            f"model: expected one of {kind} images (n, {', '.join(map(str, images.shape[1:]))}) on "
            f"{images.device}, found that it cannot take them ({reason}); bring both to one type, "
            "shape and device"
        ) from error
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
    return logits


def check_finite(fine: Tensor, rows: Tensor) -> None:
    """Refuse a model that has no finite logits for the images `rows` (k,) where `fine` (k,) fails.

    Raises:
        InputError: names the first image that offends.
    """
    if not fine.all():
        at = int(rows[~fine].min())
        raise InputError(f"model: expected finite logits, found others at images[{at}]")


def check_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a setting that is not one of the known values.

    Raises:
        InputError: names the known values.
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


def _check_surroundings(device: torch.device) -> None:
    """Refuse to run without gradients or under autocast, where an attack would find nothing."""
    if torch.is_inference_mode_enabled():
        raise InputError(
            "attack: expected a call outside torch.inference_mode(), which records no gradients, "
            "found one within; call it outside (torch.no_grad() does no harm)"
        )
    if torch.is_autocast_enabled(device.type):
        raise InputError(
            "attack: expected a call outside torch.autocast, which rounds logits to "
            f"{torch.get_autocast_dtype(device.type)}, found one within; call it outside, or under "
            f"torch.autocast({device.type!r}, enabled=False)"
        )


def _check_module(model: nn.Module) -> None:
    """Refuse layers in training mode and weights that have no gradient."""
    if not isinstance(model, nn.Module):
        return
    for name, layer in model.named_modules():
        if layer.training and isinstance(layer, _BatchNorm | _DropoutNd):
            raise InputError(
                f"model: expected evaluation mode, found {type(layer).__name__} "
                f"{name or 'itself'!r} in training; call model.eval()"
            )
    for name, weights in model.named_parameters():
        if weights.is_inference():
            raise InputError(
                f"model: expected weights that gradients go through, found {name!r} made under "
                "torch.inference_mode(); make or load the model outside of it"
            )


def _first(offending: Tensor) -> int:
    return int(torch.nonzero(offending)[0])
