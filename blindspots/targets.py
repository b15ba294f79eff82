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
    rule: str, logits: Tensor, labels: Tensor, classes: int, *, seed: int, rows: Iterable[int]
) -> Tensor | None:
    """A target for each image: a class that is neither its label nor the model's answer.

    Args:
        rule: "random" (uniform), "next" (the first such class after the label), "second_best" (its
            largest logit), "least_likely" (its smallest), or "any" (no target: any wrong class).
        logits: (n, at least `classes`), the model's answers to the images.
        labels: (n,).
        classes: number of labels.
        seed: of the random targets.
        rows: what identifies each image; its random target depends on nothing else.

    Returns:
        (n,) int64, or None for "any".

    Raises:
        InputError: no such rule, or too few classes to leave a target.
    """
    if rule == "any":
        return None
    if rule not in RULES:
        raise InputError(f"target: expected one of {', '.join(RULES)}, found {rule!r}")
    if classes < 3:
        raise InputError(
            f"target: expected at least 3 classes for rule {rule!r}, found {classes}; use 'any'"
        )
    order = torch.arange(classes, device=logits.device)
    if rule == "random":
        draws = draw_rows(seed, "targets", rows, lambda rng: rng.random(classes))
        preference = torch.from_numpy(draws).to(logits.device)
    elif rule == "next":
        preference = -((order - labels[:, None] - 1) % classes).double()
    else:
        preference = logits[:, :classes].double() * (1 if rule == "second_best" else -1)
    answers = logits.argmax(dim=1)
    taken = (order == labels[:, None]) | (order == answers[:, None])
    return preference.masked_fill(taken, -np.inf).argmax(dim=1)
