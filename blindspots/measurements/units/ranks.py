"""Measures of how well the order of images by their scores predicts their labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BINS = 16
"""Number of bins, with equal numbers of images, for the scores in mutual information."""


class Ranked(NamedTuple):
    """Images in the order of their scores, for k directions.

    Attributes:
        order: (k, n) images by increasing score; of equal scores, the first image first.
        scores: (k, n) float32 scores in this order.
        ranks: (k, n) ranks from 1 in this order; equal scores have their mean rank.
        cells: (k, n) label of each image in this order, plus the number of classes times the
            direction's index.
        counts: (classes,) number of images with each label.
    """

    order: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    cells: np.ndarray
    counts: np.ndarray


def ranked(scores: np.ndarray, labels: np.ndarray, classes: int) -> Ranked:
    """Sort the images by their scores.

    Args:
        scores: (k, n) scores of each direction, compared as float32.
        labels: (n,) labels from 0.
        classes: number of labels.
    """
    k, n = scores.shape
    order, in_order = _sorted(scores.astype(np.float32, copy=False))
    ranks = np.broadcast_to(np.arange(1.0, n + 1), (k, n))  # no copies where no scores are equal
    same = in_order[:, 1:] == in_order[:, :-1]
    if same.any():  # of equal scores, whose places are runs
        equal = np.flatnonzero(np.pad(same, ((0, 0), (0, 1))))
        begins = np.flatnonzero(np.diff(equal, prepend=-2) > 1)
        first, more = equal[begins], np.diff(begins, append=len(equal))
        ranks = ranks.copy()
        places = np.arange(more.sum() + len(more)) + np.repeat(
            first - np.cumsum(more + 1) + more + 1, more + 1
        )
        ranks.ravel()[places] = np.repeat(first % n + 1 + more / 2, more + 1)
    cells = labels.take(order)
    cells += classes * np.arange(k)[:, None]
    return Ranked(order, in_order, ranks, cells, np.bincount(labels, minlength=classes))


def _sorted(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (k, n) of float32 scores by increasing score, and the scores in this order.

    A score and its place make one integer, as sorting integers takes less than half the time of
    sorting places by scores. The bits of floats are in the order of the floats once the negative
    ones are flipped and the sign of the others is set.
    """
    bits = (scores + np.float32(0)).view(np.uint32)  # + 0: −0 equals 0
    bits ^= _signs(bits) | SIGN
    both = bits.astype(np.uint64) << np.uint64(32)
    both |= np.arange(scores.shape[1], dtype=np.uint64)
    both.sort(axis=1)
    order = both.astype(np.uint32).astype(np.intp)
    both >>= np.uint64(32)
    bits = both.astype(np.uint32)
    bits ^= ~_signs(bits) | SIGN
    return order, bits.view(np.float32)


SIGN = np.uint32(1 << 31)


def _signs(bits: np.ndarray) -> np.ndarray:
    """Masks (…) uint32 with all bits set where the sign bit is, otherwise none."""
    return (bits.view(np.int32) >> 31).view(np.uint32)


def best_auc(found: Ranked) -> np.ndarray:
    """Largest area under the ROC curve (k,) of any class against the rest.

    It is computed from Mann and Whitney's U, in which equal scores count half. Classes without
    images are left out. The maximum over many classes is above ½ by chance, but less so if many
    scores are equal: with few images per class, units that are mostly 0 are slightly below their
    rotations.
    """
    (k, n), classes = found.order.shape, len(found.counts)
    sums = np.bincount(found.cells.ravel(), found.ranks.ravel(), k * classes)
    there = (found.counts > 0) & (found.counts < n)
    if not there.any():
        return np.full(k, np.nan)
    counts, sums = found.counts[there], sums.reshape(k, classes)[:, there]
    return ((sums - counts * (counts + 1) / 2) / (counts * (n - counts))).max(axis=1)


def mutual_information(found: Ranked) -> np.ndarray:
    """Mutual information (k,) in bits of a direction's binned score and the label.

    Bins hold equal numbers of images, except that equal scores share a bin. Miller's correction,
    (outcomes seen − 1) / 2n nats, is added to the entropies of the observed frequencies (Miller
    1955, "Note on the bias of information estimates"): without it, noise would seem more
    informative the more bins its scores fill, and a unit that is mostly 0 fills few. The result may
    be below 0 by chance.
    """
    (k, n), classes = found.order.shape, len(found.counts)
    alike = found.ranks.strides[0] == 0
    ranks = found.ranks[:1] if alike else found.ranks
    cells = found.cells * BINS
    cells += ((ranks - 0.5) * BINS / n).astype(np.intp)
    joint = np.bincount(cells.ravel(), minlength=k * classes * BINS).reshape(k, classes, BINS) / n
    entropies = _corrected(joint.sum(axis=2), n) + _corrected(joint.sum(axis=1), n)
    return entropies - _corrected(joint.reshape(k, classes * BINS), n)


def purity_and_entropy(
    top: np.ndarray, labels: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Share (k,) of the most frequent label among top images, and entropy (k,) of labels in bits.

    Args:
        top: (k, m) top images.
        labels: (n,) labels from 0.
        classes: number of labels.
    """
    k, m = top.shape
    cell = labels[top] + classes * np.arange(k)[:, None]
    shares = np.bincount(cell.ravel(), minlength=k * classes).reshape(k, classes) / m
    return shares.max(axis=1), _entropy(shares)


def _corrected(shares: np.ndarray, n: int) -> np.ndarray:
    """Entropies (…,) in bits with Miller's correction, from (…, outcomes) shares of n images."""
    return _entropy(shares) + ((shares > 0).sum(axis=-1) - 1) / (2 * n * np.log(2))


def _entropy(shares: np.ndarray) -> np.ndarray:
    """Entropies (…,) in bits of (…, outcomes) shares that sum to 1."""
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return -(shares * logs).sum(axis=-1)
