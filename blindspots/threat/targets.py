"""The class that an attack is to reach: the rules for choosing it, which the paper leaves open."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from blindspots.interface import InputError
from blindspots.randomness import draw_rows

RULES = ("random", "next", "second_best", "least_likely", "any")


def choose_targets(
    rule: str | int, logits: Tensor, labels: Tensor, classes: int, *, seed: int, rows: Iterable[int]
) -> Tensor | None:
    """A target for each image: a class that is neither its label nor the model's answer.

    Args:
        rule: "random" (uniform), "next" (the first such class after the label), "second_best" (its
            largest logit), "least_likely" (its smallest), a class's number (that class; for images
            that have it as label or answer the next one after it), or "any" (no target: any wrong
            class).
        logits: (n, at least `classes`), the model's answers to the images.
        labels: (n,).
        classes: number of labels.
        seed: seed of the random targets.
        rows: identifier of each image; its random target depends on the seed and on this alone.

    Returns:
        (n,) int64, or None for "any".

    Raises:
        InputError: no such rule, or too few classes to leave a target.
    """
    if rule == "any":
        return None
    assert_class(rule, classes)
    if isinstance(rule, str) and rule not in RULES:
        raise InputError(
            f"target: expected one of {', '.join(RULES)}, or a class's number, found {rule!r}"
        )
    possible = candidates(logits, labels, classes)
    order = torch.arange(classes, device=logits.device)
    if rule == "random":
        draws = draw_rows(seed, "targets", rows, lambda rng: rng.random(classes))
        preference = torch.from_numpy(draws).to(logits.device)
    elif isinstance(rule, int):
        preference = -((order - rule) % classes).double().expand(len(labels), -1)
    elif rule == "next":
        preference = -((order - labels[:, None] - 1) % classes).double()
    else:
        preference = logits[:, :classes].double() * (1 if rule == "second_best" else -1)
    return preference.masked_fill(~possible, -np.inf).argmax(dim=1)


def assert_class(rule: str | int, classes: int, where: str = "target") -> None:
    """Reject a rule that names a class by a number that no class has.

    Args:
        rule: as in `choose_targets`.
        classes: number of labels.
        where: key of the rule, for the message.

    Raises:
        InputError: no such class.
    """
    if isinstance(rule, int) and not 0 <= rule < classes:
        raise InputError(f"{where}: expected a class from 0 to {classes - 1}, found {rule}")


def candidates(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The classes that may be an image's target: neither its label nor the model's answer.

    Args:
        logits: (n, at least `classes`), the model's answers to the images.
        labels: (n,).
        classes: number of labels.

    Returns:
        (n, classes) bool.

    Raises:
        InputError: too few classes to leave a target.
    """
    if classes < 3:
        raise InputError(
            f"target: expected at least 3 classes for a target, found {classes}; use 'any'"
        )
    order = torch.arange(classes, device=logits.device)
    answers = logits.argmax(dim=1)
    return (order != labels[:, None]) & (order != answers[:, None])
