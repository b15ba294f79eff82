"""Show images to a model: its answers, and the table of those to a whole dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from blindspots.interface import InputError
from blindspots.own_code import own_line
from blindspots.threat.goals import mistaken
from blindspots.threat.outcomes import margins, predictions
from blindspots.threat.trial import trial

FEWEST, MULTIPLE = 32, 16
"""A model is shown at least so many images, and a multiple of that: a matrix product takes other
routes through the rest of a batch and rounds differently there, and in time what an attack finds
would depend on the others in its batch."""

CLEAN = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("prediction", pa.int16()),  # -1: rejected; null: the model does not classify
        pa.field("margin", pa.float64()),  # label's logit less the largest of another class
    ]
)
"""A net's answers to the unaltered images: a row per image of the dataset.

Logits beyond the classes, such as a detector's "rejected", have no part in a margin: an image that
is rejected may have any.
"""


class Answers(NamedTuple):
    """A model's answers, an entry for each of n images.

    Attributes:
        predictions: int64, see `outcomes.predictions`.
        margins: float64, see `outcomes.margins`.
        mistaken: bool, whether it is wrong by the margin that a witness needs.
    """

    predictions: np.ndarray
    margins: np.ndarray
    mistaken: np.ndarray


def check_model(model: Any, method: str, shape: Sequence[int]) -> None:
    """Refuse what a user's own function returned where it is no model of images; see `trial`.

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
        model: images to logits.
        images: at least one.
        fewest: images that the model is shown at least, and a multiple of it, or of `MULTIPLE`
            where that is less; 1: none but these.
    """
    n = len(images)
    missing = max(fewest - n, -n % min(fewest, MULTIPLE))
    if missing:
        images = torch.cat([images, images[-1:].expand(missing, *images.shape[1:])])
    return model(images)[:n]


def answers(
    model: nn.Module, images: Tensor, labels: Tensor, classes: int, chunk: int
) -> Answers | None:
    """Show images to a model, `chunk` at a time; None for a model that does not classify.

    Args:
        model: images to logits (n, classes or more).
        images: (n, *image).
        labels: (n,).
        classes: number of labels.
        chunk: images at a time.

    Raises:
        InputError: logits that are not finite, or fewer of them than classes.
    """
    found: list[list[np.ndarray]] = []
    with torch.no_grad():
        for x, y in zip(images.split(chunk), labels.split(chunk), strict=True):
            logits = model(x)
            if logits.ndim != 2:
                return None
            if logits.shape[1] < classes:
                raise InputError(
                    f"model: expected a logit for each class, found {logits.shape[1]} and "
                    f"{classes} classes; check the model and its weights"
                )
            if not logits.isfinite().all():
                raise InputError(
                    "model: expected finite logits, found others; check its weights and settings"
                )
            seen = (
                predictions(logits, classes),
                margins(logits, y, classes).double(),
                mistaken(logits, y, classes),
            )
            found.append([column.cpu().numpy() for column in seen])
    return Answers(*map(np.concatenate, zip(*found, strict=True)))
