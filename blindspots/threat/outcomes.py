"""Outcomes of an answer: RIGHT, WRONG or REJECTED. Only this module compares answers with labels.

Exceptions are the trainers' reports of progress, and the audit, which compares independently.

A model may have more logits than there are classes, such as a detector's "rejected". An answer
beyond the classes is a rejection: neither an error of the net, nor a success of an attack, nor an
upper bound. If the logits are not finite there is no answer, and no outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from torch import Tensor

RIGHT, WRONG, REJECTED = "RIGHT", "WRONG", "REJECTED"
"""The outcomes, as tables have them; null: no answer."""

OUTCOMES = (RIGHT, WRONG, REJECTED)

NO_CLASS, NO_ANSWER = -1, -2
"""Codes of an answer beyond the classes, and of no answer; in tables -1, and null."""

WORD = pa.dictionary(pa.int8(), pa.string())
"""Type of a column of a few different words in a table of many rows: a byte each."""


def widened(logits: Tensor) -> Tensor:
    """Logits (0, z) for a single logit z, (n, 2); other logits unchanged."""
    if logits.ndim != 2 or logits.shape[1] != 1:
        return logits
    return logits * logits.new_tensor([0.0, 1.0])


def predictions(logits: Tensor, classes: int) -> Tensor:
    """Answers (n,) int64 to logits (n, classes or more): a class, `NO_CLASS` or `NO_ANSWER`."""
    answers = logits.argmax(dim=1)
    answers = answers.masked_fill(answers >= classes, NO_CLASS)
    return answers.masked_fill(~logits.isfinite().all(dim=1), NO_ANSWER)


def margins(logits: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Logits of the labels (n,) minus the largest of another class, without rejections."""
    known = logits[:, :classes]
    right = known.gather(1, labels[:, None])[:, 0]
    return right - known.scatter(1, labels[:, None], float("-inf")).amax(dim=1)


def outcomes(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Outcomes of answers (n,), as `predictions` gives them: (n,) words; None: no answer."""
    found = np.full(len(answers), None, object)
    for outcome, so in (
        (RIGHT, is_right(answers, labels)),
        (WRONG, is_wrong(answers, labels)),
        (REJECTED, is_rejected(answers)),
    ):
        found[so] = outcome
    return found


def is_wrong(answers: Any, labels: Any) -> Any:
    """Return whether answers are classes other than the labels, entry by entry.

    Args:
        answers: (n,) tensor or array, as `predictions` gives them.
        labels: (n,) tensor or array.

    Returns:
        (n,) bool of the same kind.
    """
    return (answers != labels) & (answers >= 0)


def is_right(answers: Any, labels: Any) -> Any:
    """Return whether answers are the labels, like `is_wrong`; a rejection is neither."""
    return answers == labels


def is_rejected(answers: Any) -> Any:
    """Return whether answers are beyond the classes, like `is_wrong`."""
    return answers == NO_CLASS


def most_frequent(values: np.ndarray, among: Sequence[Any]) -> np.ndarray:
    """Most frequent value of each column of (draws, n), (n,); the first of equals.

    Args:
        values: outcomes, or answers.
        among: values that count; the first of them wins a tie.
    """
    counts = np.stack([np.equal(values, value).sum(axis=0) for value in among])
    return np.array(among, object)[counts.argmax(axis=0)]
