"""Arguments that every attack takes, checked before any work."""

from __future__ import annotations

import torch
from torch import Tensor

from blindspots.interface import Box, InputError


def check_arguments(images: Tensor, labels: Tensor, targets: Tensor | None, box: Box) -> None:
    """Refuse images outside the box and targets that are no target.

    Raises:
        InputError: names the argument and the first image that offends.
    """
    n = len(images)
    if n == 0:
        raise InputError("images: expected at least one, found none")
    for name, answers in (("labels", labels), ("targets", targets)):
        if answers is not None and answers.shape != (n,):
            raise InputError(f"{name}: expected shape ({n},), found {tuple(answers.shape)}")
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


def check_logits(logits: Tensor, labels: Tensor, targets: Tensor | None, classes: int) -> None:
    """Refuse a model whose answers cannot be attacked.

    Raises:
        InputError: names the argument and the first image that offends.
    """
    if logits.ndim != 2 or logits.shape[1] < classes:
        raise InputError(
            f"model: expected logits of shape (n, {classes} or more), found {tuple(logits.shape)}"
        )
    broken = ~logits.isfinite().all(dim=1)
    if broken.any():
        raise InputError(f"model: expected finite logits, found others at images[{_first(broken)}]")
    for name, answers in (("labels", labels), ("targets", targets)):
        if answers is not None and ((answers < 0) | (answers >= classes)).any():
            at = _first((answers < 0) | (answers >= classes))
            raise InputError(
                f"{name}[{at}]: expected a class from 0 to {classes - 1}, found {int(answers[at])}"
            )


def _first(offending: Tensor) -> int:
    return int(torch.nonzero(offending)[0])
