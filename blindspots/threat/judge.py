"""The judge of attacked images: their lengths, and whether they meet their goals, also when saved.

It is outside the attacks and the same for all of them, the package's and the users'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.interface import Box
from blindspots.threat.answers import show
from blindspots.threat.chance import draws_of
from blindspots.threat.goals import (
    SUCCESS_MARGIN,
    WITNESS_MARGIN,
    accepted_answers,
    mistaken,
    relative_margin,
)
from blindspots.threat.norms import NORMS
from blindspots.threat.outcomes import NO_ANSWER, OUTCOMES, most_frequent, outcomes, predictions
from blindspots.threat.rays import flat

LEVELS = 255
"""Steps between 0 and 1 of an image that is saved with 8 bits."""


class Judgement(NamedTuple):
    """Judgement of n attacked images, an entry for each.

    Attributes:
        prediction: int64, see `outcomes.predictions`.
        outcome: see `outcomes.outcomes`; None where the answer is not finite.
        confidence: float64, the largest softmax probability; NaN where the answer is not finite.
        margin: float64, by how much the goal is met (`goals.relative_margin`); -inf where the
            answer is not finite.
        met: bool, whether the goal is the answer.
        mistaken: bool, whether a wrong class leads by `goals.WITNESS_MARGIN`, whatever the goal.
        certain: bool, whether the answer leads every other logit by as much.
        inside: bool, whether the image is in the box.
        lengths: lengths of the perturbations, (n,) float64, by norm; "l0_features" beside "l0".
        rounded_outcome: `outcome` of the image rounded to 8 bits; None where the original is not a
            multiple of 1/255.
        rounded_success: (n,) bool, whether the rounded image meets the goal, however long its
            perturbation is then; masked where the original is not a multiple of 1/255.
        share: float64, share of a stochastic model's draws in which the goal is met by the margin;
            NaN for other models. Answers of a stochastic model are as in `answers.ANSWER`, its
            margin is a mean, the goal is met if it is met in more than half of the draws, and
            nothing is `mistaken` or `certain`.
    """

    prediction: np.ndarray
    outcome: np.ndarray
    confidence: np.ndarray
    margin: np.ndarray
    met: np.ndarray
    mistaken: np.ndarray
    certain: np.ndarray
    inside: np.ndarray
    lengths: dict[str, np.ndarray]
    rounded_outcome: np.ndarray
    rounded_success: np.ma.MaskedArray
    share: np.ndarray

    @property
    def success(self) -> np.ndarray:
        """(n,) bool, whether the goal is met by `goals.SUCCESS_MARGIN`."""
        return _succeeds(self.margin, self.share)


def judge(
    model: nn.Module,
    originals: Tensor,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None,
    *,
    classes: int,
    box: Box,
) -> Judgement:
    """Show attacked images to the model that they were made for, as they are and rounded.

    Args:
        model: images to logits.
        originals: (n, *image) before the attack.
        images: (n, *image) after it.
        labels: (n,).
        targets: (n,) classes to reach; None: any wrong class.
        classes: number of labels.
        box: range of a pixel.
    """
    seen = _pooled(model, images, labels, targets, classes)
    whole = _is_of_levels(originals)
    rounded_outcome, rounded_success = np.full(len(whole), None), np.zeros(len(whole), bool)
    if whole.any():
        saved = _pooled(model, _rounded(images, box), labels, targets, classes)
        rounded_outcome[whole] = saved.outcome[whole]
        rounded_success = _succeeds(saved.margin, saved.share)
    return Judgement(
        prediction=seen.prediction,
        outcome=seen.outcome,
        confidence=seen.confidence,
        margin=seen.margin,
        met=seen.met,
        mistaken=seen.mistaken,
        certain=seen.certain,
        inside=are_inside(images, box),
        lengths=lengths(images.double() - originals.double()),
        rounded_outcome=rounded_outcome,
        rounded_success=np.ma.array(rounded_success, mask=~whole),
        share=seen.share,
    )


def lengths(change: Tensor) -> dict[str, np.ndarray]:
    """Lengths (n,) of perturbations (n, *image) in every norm, and how many features changed."""
    found = {name: norm.length(change) for name, norm in NORMS.items()}
    found["l0_features"] = (change != 0).flatten(1).sum(dim=1).double()
    return {name: value.cpu().numpy() for name, value in found.items()}


def reach(originals: Tensor, images: Tensor, norm: str, eps: float) -> Tensor:
    """Largest length (n,) that an image within `eps` may have once it is stored in float32.

    Every changed feature is rounded by at most half a unit in its last place; a whole unit is
    allowed, since the original is rounded, too.
    """
    largest = torch.maximum(originals.abs(), images.abs())
    unit = torch.finfo(images.dtype).eps * largest.double()
    moved = images != originals
    slack = NORMS[norm].length(torch.where(moved, unit, 0)) if norm != "l0" else 0.0
    return eps + torch.as_tensor(slack).to(unit)


def is_better(found: Judgement, best: Judgement, norm: str | None) -> np.ndarray:
    """Return where images of one judgement are better for an attacker than another's, (n,) bool.

    Args:
        found: judgement of the images.
        best: judgement of the images to compare with, by the same model and goal.
        norm: norm of a minimal attack, of which the nearer success is better; None: a budget
            attack, of which a success is better than a failure, and then the larger margin.
    """
    if norm is None:
        return (found.success & ~best.success) | (
            (found.success == best.success) & (found.margin > best.margin)
        )
    nearer = found.lengths[norm] < best.lengths[norm]
    return found.success & (~best.success | nearer)


def chosen(found: Judgement, best: Judgement, better: np.ndarray) -> Judgement:
    """Judgement of images that are taken from `found` where that is better, (n,) bool."""
    lengths = {
        name: np.where(better, value, best.lengths[name]) for name, value in found.lengths.items()
    }
    rest = {
        name: np.ma.where(better, getattr(found, name), getattr(best, name))
        if name == "rounded_success"
        else np.where(better, getattr(found, name), getattr(best, name))
        for name in Judgement._fields
        if name != "lengths"
    }
    return Judgement(lengths=lengths, **rest)


class _Answers:
    """Answers of a model to images, and whether the goal accepts them."""

    def __init__(self, model, images, labels, targets, classes) -> None:
        with torch.no_grad():
            logits = show(model, images)
        finite = logits.isfinite().all(dim=1)
        width = logits.shape[1]
        accepted = accepted_answers(labels, targets, width, classes)
        held = accepted.gather(1, logits.argmax(dim=1, keepdim=True))[:, 0] & finite
        margin = relative_margin(logits.double(), accepted)
        probability = logits.double().softmax(dim=1).amax(dim=1)
        self.prediction = predictions(logits, classes).cpu().numpy()
        self.outcome = outcomes(self.prediction, labels.cpu().numpy())
        self.confidence = torch.where(finite, probability, torch.nan).cpu().numpy()
        self.margin = torch.where(finite, margin, -torch.inf).cpu().numpy()
        self.met = held.cpu().numpy()
        self.mistaken = mistaken(logits, labels, classes, WITNESS_MARGIN).cpu().numpy()
        answers = logits.argmax(dim=1)
        leads = relative_margin(logits, accepted_answers(answers, answers, width, width))
        self.certain = (leads >= WITNESS_MARGIN).cpu().numpy()
        self.share = np.full(len(self.margin), np.nan)


def _pooled(model, images, labels, targets, classes) -> _Answers:
    """A model's answers; for a stochastic model those of its draws, combined."""
    draws = draws_of(model)
    each = [_Answers(model, images, labels, targets, classes) for _ in range(draws or 1)]
    seen = each[0]
    if draws is None:
        return seen
    given = np.stack([draw.prediction for draw in each])
    known = sorted({*given.ravel().tolist()} - {NO_ANSWER}) or [NO_ANSWER]
    seen.prediction = most_frequent(given, known).astype(np.int64)
    seen.outcome = most_frequent(np.stack([draw.outcome for draw in each]), [*OUTCOMES, None])
    finite = np.ma.masked_invalid([draw.confidence for draw in each])
    seen.confidence = np.ma.filled(finite.mean(axis=0), np.nan)
    margin = np.stack([draw.margin for draw in each])
    seen.margin, seen.share = margin.mean(axis=0), (margin >= SUCCESS_MARGIN).mean(axis=0)
    seen.met = _succeeds(seen.margin, seen.share)
    seen.mistaken = seen.certain = np.zeros(len(seen.met), bool)
    return seen


def _succeeds(margin: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(share), margin >= SUCCESS_MARGIN, share > 0.5)


def are_inside(images: Tensor, box: Box) -> np.ndarray:
    """Return whether images (n, *image) are in the box, (n,) bool."""
    lower, upper = flat(box)
    pixels = images.flatten(1)
    return ((pixels >= lower) & (pixels <= upper)).all(dim=1).cpu().numpy()


def _is_of_levels(images: Tensor) -> np.ndarray:
    """Return whether images (n, *image) consist of multiples of 1/255, as 8-bit images do."""
    levels = images.double().flatten(1) * LEVELS
    near = (levels - levels.round()).abs() <= 1e-6 * LEVELS
    return near.all(dim=1).cpu().numpy()


def _rounded(images: Tensor, box: Box) -> Tensor:
    """Images (n, *image) as they are after saving with 8 bits: at multiples of 1/255 in the box."""
    lower, upper = (torch.as_tensor(end, dtype=torch.float64) * LEVELS for end in box)
    levels = (images.double() * LEVELS).round()
    levels = levels.clamp(lower.ceil().to(levels), upper.floor().to(levels))
    return (levels / LEVELS).to(images)
