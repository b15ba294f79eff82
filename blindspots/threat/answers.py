"""Show images to a model: its answers, and the table of its answers to a whole dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.interface import InputError, Status
from blindspots.own_code import own_line
from blindspots.threat.chance import draws_of
from blindspots.threat.goals import mistaken
from blindspots.threat.outcomes import (
    NO_ANSWER,
    OUTCOMES,
    REJECTED,
    RIGHT,
    WORD,
    WRONG,
    margins,
    most_frequent,
    outcomes,
    predictions,
    widened,
)
from blindspots.threat.trial import trial

FEWEST = 32
"""Batches are padded to at least this number of images, and to a multiple of `MULTIPLE`.

Kernels treat the remainder of a batch differently, so that rounding, and in time the result of an
attack, would otherwise depend on the other images of the batch."""

MULTIPLE = 16

ANSWER = [
    pa.field("prediction", pa.int16()),  # -1: rejected; null: no answer
    pa.field("outcome", WORD),  # see `threat.outcomes`; null: no answer
    pa.field("margin", pa.float64()),  # label's logit − the largest of another class
    pa.field("confidence", pa.float32()),  # largest softmax probability over all logits
    pa.field("status", WORD, nullable=False),  # see `Answers`
    pa.field("right", pa.float32()),  # share of a stochastic net's draws; null: other nets
    pa.field("wrong", pa.float32()),
    pa.field("rejected", pa.float32()),
]
"""Columns of an answer.

A stochastic net gives as many answers as its `draws`: the prediction is the most frequent finite
one, the outcome is the most frequent (the first of RIGHT, WRONG, REJECTED in a tie), margin and
confidence are means over the finite ones.

Logits beyond the classes, such as a detector's "rejected", do not enter a margin: a rejected image
may have any.
"""

CLEAN = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        *ANSWER,
        pa.field("probabilities", pa.bool_(), nullable=False),  # not logits: at least 0, sum 1
    ]
)
"""A net's answers to the unaltered images: a row per image of the dataset."""


class Answers(NamedTuple):
    """A model's answers, an entry for each of n images; masked where a value is missing.

    Attributes:
        predictions: int64, see `outcomes.predictions`.
        outcomes: see `outcomes.outcomes`.
        margins: float64, see `outcomes.margins`.
        confidences: float64, the largest softmax probability over all logits.
        statuses: names of `Status`: ANSWERED; or NON_FINITE, where the logits are not finite.
        right: float64, the share of draws that are RIGHT; masked for a model without draws
            (`chance.draws_of`).
        wrong: float64, the share of draws that are WRONG, masked in the same way.
        rejected: float64, the share of draws that are REJECTED, masked in the same way.
        mistaken: bool, whether it is wrong by the margin of a witness; false for stochastic models.
        probabilities: bool, whether its logits are at least 0 and sum to 1, as no logits do.
    """

    predictions: np.ma.MaskedArray
    outcomes: np.ndarray
    margins: np.ma.MaskedArray
    confidences: np.ma.MaskedArray
    statuses: np.ndarray
    right: np.ma.MaskedArray
    wrong: np.ma.MaskedArray
    rejected: np.ma.MaskedArray
    mistaken: np.ndarray
    probabilities: np.ndarray

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The columns `ANSWER`."""
        names = [field.name for field in ANSWER]
        return dict(zip(names, self, strict=False))


UNANSWERED = dict.fromkeys(field.name for field in ANSWER) | {
    "status": Status.UNSUPPORTED.name,
    "probabilities": False,
}
"""Values of `ANSWER`, and of the last column of `CLEAN`, for a net that does not classify."""


def check_model(model: Any, method: str, shape: Sequence[int]) -> None:
    """Refuse the result of a user's function unless it is a model that takes images; see `trial`.

    Raises:
        InputError: names the function.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"{method}: expected a torch.nn.Module, found {type(model).__name__}")
    try:
        trial(model.eval(), shape)
    except InputError as error:
        raise InputError(f"{method}: {error}") from None
    except RuntimeError as error:
        if own_line(error):
            raise  # the job says which
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{method}: expected a model of float32 images (n, {', '.join(map(str, shape))}), "
            f"found that it cannot take them ({reason})"
        ) from error


def show(model: nn.Module, images: Tensor, fewest: int = FEWEST) -> Tensor:
    """Logits (n, logits) of images (n, *image); the batch is filled up with copies of the last.

    Args:
        model: images to logits; a single logit becomes two (`outcomes.widened`).
        images: (n, *image), n at least 1.
        fewest: least size of the batch, which is also a multiple of it, or of `MULTIPLE` if that is
            smaller; 1: no copies.
    """
    n = len(images)
    missing = max(fewest - n, -n % min(fewest, MULTIPLE))
    if missing:
        images = torch.cat([images, images[-1:].expand(missing, *images.shape[1:])])
    return widened(model(images))[:n]


def answers(
    model: nn.Module, images: Tensor, labels: Tensor, classes: int, chunk: int
) -> Answers | None:
    """Show images to a model, `chunk` at a time; None for a model that does not classify.

    A stochastic model is shown each image as often as it has draws, from the current state of
    torch's global generator (`chance.seeded`): its draws depend on the chunk.

    Args:
        model: images to logits (n, classes or more).
        images: (n, *image).
        labels: (n,).
        classes: number of labels.
        chunk: images at a time.

    Raises:
        InputError: fewer logits than classes.
    """
    draws = draws_of(model)
    found: list[list[tuple[np.ndarray, ...]]] = [[] for _ in range(draws or 1)]
    with torch.no_grad():
        for x, y in zip(images.split(chunk), labels.split(chunk), strict=True):
            for of_draw in found:
                seen = _seen(widened(model(x)), y, classes)
                if seen is None:
                    return None
                of_draw.append(seen)
    truth = labels.cpu().numpy()
    each = [_answers([*map(np.concatenate, zip(*parts, strict=True))], truth) for parts in found]
    return each[0] if draws is None else _pooled(each)


def _seen(logits: Tensor, labels: Tensor, classes: int) -> tuple[np.ndarray, ...] | None:
    """Statistics of logits; None if the model does not return logits."""
    if logits.ndim != 2:
        return None
    if logits.shape[1] < classes:
        raise InputError(
            f"model: expected a logit for each class, found {logits.shape[1]} and "
            f"{classes} classes; check the model and its weights"
        )
    seen = (
        predictions(logits, classes),
        margins(logits, labels, classes).double(),
        logits.double().softmax(dim=1).amax(dim=1),
        mistaken(logits, labels, classes),
        _are_probabilities(logits),
    )
    return tuple(column.cpu().numpy() for column in seen)


def _answers(columns: Sequence[np.ndarray], labels: np.ndarray) -> Answers:
    given, margin, confidence, wrong, sums = columns
    none, no_share = given == NO_ANSWER, np.ma.masked_all(len(given))
    return Answers(
        predictions=np.ma.array(given, mask=none),
        outcomes=outcomes(given, labels),
        margins=np.ma.array(margin, mask=none),
        confidences=np.ma.array(confidence, mask=none),
        statuses=_statuses(none),
        right=no_share,
        wrong=no_share,
        rejected=no_share,
        mistaken=wrong,
        probabilities=sums,
    )


def _statuses(none: np.ndarray) -> np.ndarray:
    return np.where(none, Status.NON_FINITE.name, Status.ANSWERED.name).astype(object)


def _pooled(each: Sequence[Answers]) -> Answers:
    """The answers of a model's draws, combined."""
    said = np.stack([draw.outcomes for draw in each])
    outcome = most_frequent(said, [*OUTCOMES, None])
    none = np.array([word is None for word in outcome])
    given = np.stack([draw.predictions.filled(NO_ANSWER) for draw in each])
    known = sorted({*given.ravel().tolist()} - {NO_ANSWER}) or [NO_ANSWER]

    def mean(column: str) -> np.ma.MaskedArray:
        values = np.ma.stack([getattr(draw, column) for draw in each]).mean(axis=0)
        return np.ma.array(np.ma.filled(values, 0.0), mask=none)

    return Answers(
        predictions=np.ma.array(most_frequent(given, known).astype(np.int64), mask=none),
        outcomes=outcome,
        margins=mean("margins"),
        confidences=mean("confidences"),
        statuses=_statuses(none),
        right=np.ma.array((said == RIGHT).mean(axis=0)),
        wrong=np.ma.array((said == WRONG).mean(axis=0)),
        rejected=np.ma.array((said == REJECTED).mean(axis=0)),
        mistaken=np.zeros(len(none), bool),
        probabilities=np.all([draw.probabilities for draw in each], axis=0),
    )


def _are_probabilities(logits: Tensor) -> Tensor:
    return (logits >= 0).all(dim=1) & ((logits.double().sum(dim=1) - 1).abs() < 1e-4)
