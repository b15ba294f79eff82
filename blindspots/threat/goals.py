"""Goal of an attack: the accepted answers per image, a margin and a loss.

A goal is a boolean mask (n, logits): the answers that count as success. A target accepts one class;
"any wrong class" accepts all classes but the label. Logits beyond the classes (a detector's
"rejected") are accepted by neither.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Map from logits and accepted answers, (n, logits) each, to losses (n,) and gradients (n,
logits)."""

SUCCESS_MARGIN = 1e-5
"""Smallest relative margin that counts as success: about a hundred float32 roundings of a logit."""

WITNESS_MARGIN = SUCCESS_MARGIN / 2
"""Smallest relative margin of a witness, which is shown again in another batch and rounded
differently there."""


def accepted_answers(labels: Tensor, targets: Tensor | None, logits: int, classes: int) -> Tensor:
    """The answers that count as success.

    Args:
        labels: (n,) true classes.
        targets: (n,) classes to reach, or None for any wrong class.
        logits: width of the model's output, at least `classes`.
        classes: number of labels.

    Returns:
        (n, logits) bool.
    """
    answers = torch.arange(logits, device=labels.device)
    if targets is not None:
        return answers == targets[:, None]
    return (answers != labels[:, None]) & (answers < classes)


def relative_margin(logits: Tensor, accepted: Tensor) -> Tensor:
    """Best accepted logit minus the best other, over the largest absolute logit.

    Args:
        logits: (n, logits).
        accepted: (n, logits) bool.

    Returns:
        (n,) in [-2, 2]; at least `SUCCESS_MARGIN` is a success.
    """
    inside = logits.masked_fill(~accepted, -torch.inf).amax(dim=1)
    outside = logits.masked_fill(accepted, -torch.inf).amax(dim=1)
    scale = logits.abs().amax(dim=1).clamp_min(torch.finfo(logits.dtype).tiny)
    return (inside - outside) / scale


def mistaken(
    logits: Tensor, labels: Tensor, classes: int, margin: float = SUCCESS_MARGIN
) -> Tensor:
    """Return whether a model is wrong (n,) by a relative margin, for any wrong class."""
    accepted = accepted_answers(labels, None, logits.shape[1], classes)
    return relative_margin(logits, accepted) >= margin


def cross_entropy(logits: Tensor, accepted: Tensor) -> tuple[Tensor, Tensor]:
    """Minus the log of the probability that the softmax gives to the accepted answers.

    If one class is accepted, this is the usual cross-entropy.

    Returns:
        (n,) at least 0, and its gradient (n, logits).
    """
    log_probability = logits.log_softmax(dim=1)
    inside = log_probability.masked_fill(~accepted, -torch.inf)
    largest = inside.amax(dim=1, keepdim=True)
    share = (inside - largest).exp()
    total = share.sum(dim=1, keepdim=True)
    value = -(largest + total.log())[:, 0]
    return value, log_probability.exp() - share / total


def hinge(logits: Tensor, accepted: Tensor) -> tuple[Tensor, Tensor]:
    """Hinge loss: the amount by which the goal is missed; an exact penalty, 0 once it is met.

    Nocedal and Wright, 2nd edition, section 17.2. It asks for twice the `SUCCESS_MARGIN`, so that
    its minimisers, which lie where it becomes 0, are successes.

    Returns:
        (n,) at least 0, and its gradient (n, logits).
    """
    best, at = logits.masked_fill(~accepted, -torch.inf).max(dim=1, keepdim=True)
    rival, beside = logits.masked_fill(accepted, -torch.inf).max(dim=1, keepdim=True)
    asked = 2 * SUCCESS_MARGIN * logits.abs().amax(dim=1, keepdim=True)
    value = (asked - (best - rival)).clamp_min(0)
    missed = (value > 0).to(logits.dtype)
    gradient = torch.zeros_like(logits).scatter_(1, beside, missed).scatter_(1, at, -missed)
    return value[:, 0], gradient


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "hinge": hinge,
}
