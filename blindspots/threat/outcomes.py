"""What an answer is: right, wrong or rejected. Answers are compared with labels here alone.

But for what trainers report of their own progress, and what the audit does again by itself.

A model may have more logits than there are classes, such as a detector's "rejected". An answer
beyond the classes is a rejection: no error of the net, no success of an attack, no upper bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

REJECTED = -1
"""The answer beyond the classes, in every table and tensor of answers."""


def predictions(logits: Tensor, classes: int) -> Tensor:
    """Answers (n,) int64 to logits (n, classes or more): a class, or `REJECTED`."""
    answers = logits.argmax(dim=1)
    return answers.masked_fill(answers >= classes, REJECTED)


def margins(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Logits of the labels (n,) less the largest of another class; a rejection's takes no part."""
    known = logits[:, :classes]
    right = known.gather(1, labels[:, None])[:, 0]
    return right - known.scatter(1, labels[:, None], float("-inf")).amax(dim=1)


def is_wrong(answers: Any, labels: Any) -> Any:
    """Whether answers are classes other than the labels, entry by entry.

    Args:
        answers: (n,) tensor, array or column of a frame; null where a net does not classify.
        labels: (n,) likewise.

    Returns:
        (n,) bool of the same kind; null where there is no answer.
    """
    return (answers != labels) & (answers != REJECTED)


def is_right(answers: Any, labels: Any) -> Any:
    """Whether answers are the labels, as `is_wrong`; a rejection is neither."""
    return answers == labels


def is_rejected(answers: Any) -> Any:
    """Whether answers are `REJECTED`, as `is_wrong`."""
    return answers == REJECTED


def outcomes(answers: np.ndarray, labels: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Outcomes (n,), as tables have them: "RIGHT", "WRONG" or "REJECTED", None without an answer.

    Args:
        answers: (n,) see `predictions`.
        labels: (n,).
        finite: (n,) bool, whether the logits are.
    """
    known = np.where(is_wrong(answers, labels), "WRONG", "RIGHT").astype(object)
    known[is_rejected(answers)] = "REJECTED"
    known[~finite] = None
    return known
