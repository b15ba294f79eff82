"""Measures of a direction: how interpretable its scores and its top images are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from blindspots.interface import InputError
from blindspots.measurements.units.ranks import (
    best_auc,
    mutual_information,
    purity_and_entropy,
    ranked,
)

OF_SCORES = ("auc", "information", "kurtosis")
"""Measures of the scores of all images."""
OF_TOP = ("purity", "entropy", "pixels", "features")
"""Measures of the k images with the largest scores."""
ACCURACY = "accuracy"
"""Measure of the accuracy lost when a direction is projected out (`units.projection`)."""

CONSTANT = "constant direction: the same score for every image"
DEAD = "dead unit: the same activation for every image"
TIED = "ties: the k-th and the next largest score are equal"
ONE_CLASS = "all images are of one class"
NO_REFERENCE = "no independent network was given for the features"
NUMBERS = 2**17
"""Largest number of scores that are measured at once; more would not fit in the CPU's cache."""
Reasons = dict[str, np.ndarray]


class Vectors(NamedTuple):
    """Images as vectors: minus their mean, and of length 1, or 0 for an image equal to the mean.

    Attributes:
        unit: (n, m) float32 vectors; None if they have more entries than there are images.
        gram: (n, n) float32 inner products in that case, otherwise None.
        squares: (n,) squared lengths.
    """

    unit: np.ndarray | None
    gram: np.ndarray | None
    squares: np.ndarray


class Images(NamedTuple):
    """Images on which directions are measured.

    Attributes:
        labels: (n,) labels from 0.
        classes: number of labels.
        pixels: pixels of the images.
        features: features of the images in an independent network; None: no such network.
        k: number of top images of a direction.
    """

    labels: np.ndarray
    classes: int
    pixels: Vectors
    features: Vectors | None
    k: int


class Measured(NamedTuple):
    """Values of directions, and reasons for missing ones.

    Attributes:
        values: (directions,) values by measure, NaN where a value is missing.
        reasons: (directions,) texts by measure, None where there is a value.
        top: (directions, k) top images, the largest score first; arbitrary for tied directions.
        best: (directions, k) scores of the top images.
    """

    values: dict[str, np.ndarray]
    reasons: Reasons
    top: np.ndarray
    best: np.ndarray


def images(
    labels: np.ndarray,
    classes: int,
    pixels: np.ndarray,
    features: np.ndarray | None,
    k: int,
) -> Images:
    """Prepare the data on images that measures need.

    Args:
        labels: (n,) labels from 0.
        classes: number of labels.
        pixels: (n, *image).
        features: (n, features) features in an independent network; None: no such network.
        k: number of top images of a direction.

    Returns:
        `Images` for `measured`.

    Raises:
        InputError: a `k` of 1 or less, or not below the number of images.
    """
    if not 1 < k < len(labels):
        raise InputError(
            f"k: expected at least 2 and less than the {len(labels)} images, found {k}; "
            "change k, or take more images"
        )
    of_pixels = _vectors(pixels.reshape(len(pixels), -1))
    return Images(labels, classes, of_pixels, None if features is None else _vectors(features), k)


def measured(scores: np.ndarray, images: Images, constant: str = CONSTANT) -> Measured:
    """Compute every measure except the accuracy lost.

    A constant direction has no measures, only a reason. If the k-th and the next largest score are
    equal, as for a unit that is 0 for most images, the choice of its top images is arbitrary, and
    the measures of the top images are missing.

    Args:
        scores: (n, directions) scores.
        images: images that the scores belong to.
        constant: reason to give for a direction whose score never varies.

    Returns:
        Values, reasons and top images of every direction.
    """
    size = max(1, NUMBERS // len(scores))
    places = range(0, max(scores.shape[1], 1), size)
    parts = [_measured(scores[:, at : at + size], images, constant) for at in places]
    values, reasons = (
        {name: np.concatenate([of[name] for of in each]) for name in each[0]}
        for each in ([part.values for part in parts], [part.reasons for part in parts])
    )
    top, best = (np.concatenate(each) for each in zip(*(part[2:] for part in parts), strict=True))
    return Measured(values, reasons, top, best)


def _measured(scores: np.ndarray, images: Images, constant: str) -> Measured:
    """Compute the result of `measured` for few directions."""
    found = ranked(np.ascontiguousarray(scores.T), images.labels, images.classes)
    k, n = images.k, len(scores)
    top = found.order[:, : n - k - 1 : -1]
    flat = found.scores[:, 0] == found.scores[:, -1]
    tied = ~flat & (found.scores[:, n - k] == found.scores[:, n - k - 1])
    purity, entropy = purity_and_entropy(top, images.labels, images.classes)
    values = {
        "purity": purity,
        "entropy": entropy,
        "pixels": similarity(images.pixels, top),
        "features": np.full(len(top), np.nan)
        if images.features is None
        else similarity(images.features, top),
        "auc": best_auc(found),
        "information": mutual_information(found),
        "kurtosis": kurtosis(found.scores),
    }
    reasons = {}
    for name, of in values.items():
        why = np.full(len(of), None, dtype=object)
        if name == "features" and images.features is None:
            why[:] = NO_REFERENCE
        if name in OF_TOP:
            why[tied] = TIED
        if name == "auc" and np.ptp(images.labels) == 0:
            why[:] = ONE_CLASS
        why[flat] = constant
        of[why != None] = np.nan  # noqa: E711  elementwise
        reasons[name] = why
    return Measured(values, reasons, top, found.scores[:, : n - k - 1 : -1])


def similarity(vectors: Vectors, top: np.ndarray) -> np.ndarray:
    """Mean cosine of all pairs of the top images.

    The computation uses ‖Σ u‖² = Σ ‖u‖² + the sum over ordered pairs, for vectors u of length 1
    or 0.

    Args:
        vectors: vectors of all images.
        top: (directions, k) top images.

    Returns:
        (directions,) float64.
    """
    k = top.shape[1]
    if vectors.unit is None:
        assert vectors.gram is not None
        pairs = vectors.gram[top[:, :, None], top[:, None, :]]
        squares = pairs.sum(axis=(1, 2), dtype=np.float64)
    else:
        sums = np.zeros((len(top), vectors.unit.shape[1]), vectors.unit.dtype)
        for place in range(k):
            sums += vectors.unit[top[:, place]]
        squares = np.einsum("ij,ij->i", sums, sums, dtype=np.float64)
    return (squares - vectors.squares[top].sum(axis=1)) / (k * (k - 1))


def kurtosis(scores: np.ndarray) -> np.ndarray:
    """Excess kurtosis of scores.

    Args:
        scores: (directions, n).

    Returns:
        (directions,) float64; NaN where they are constant.
    """
    centred = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64).astype(scores.dtype)
    squares = np.square(centred)
    second = squares.mean(axis=1, dtype=np.float64)
    fourth = np.einsum("ij,ij->i", squares, squares, dtype=np.float64) / scores.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return fourth / second**2 - 3


def averages(found: Measured, among: Mapping[str, np.ndarray] | None = None) -> Mapping[str, float]:
    """Mean measures of a set of directions.

    Args:
        found: measures of directions.
        among: (directions,) bool by measure, directions to include; all by default.

    Returns:
        Each measure's mean over the directions that have a value; NaN without any.
    """
    counted = {
        name: of[~np.isnan(of) & (True if among is None else among[name])]
        for name, of in found.values.items()
    }
    return {name: float(of.mean()) if len(of) else np.nan for name, of in counted.items()}


def _vectors(vectors: np.ndarray) -> Vectors:
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    unit = (vectors - mean).astype(np.float32, copy=False)
    lengths = np.linalg.norm(unit, axis=1, keepdims=True)
    np.divide(unit, lengths, out=unit, where=lengths > 0)  # vectors of length 0 stay 0
    squares = np.einsum("ij,ij->i", unit, unit, dtype=np.float64)
    few = unit.shape[0] < unit.shape[1]
    return Vectors(None, unit @ unit.T, squares) if few else Vectors(unit, None, squares)
