"""Slices of the training images: further parts of a split, which may overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from blindspots.interface import InputError

Shares = Sequence[float]
"""Begin and end of a slice, in shares (0 to 1) of the images; the end belongs to the next slice."""

CLOSE = 0.01
"""Largest error, by rounding to whole images, of the share that two slices have in common."""


def cut(order: np.ndarray, parts: Mapping[str, Shares]) -> dict[str, np.ndarray]:
    """Cut slices out of images in order; both ends are rounded down to whole images.

    Slices that meet therefore share no image, and leave none out between them.

    Args:
        order: (n,) rows of the images, in the split's stratified order.
        parts: begin and end of each slice.

    Returns:
        Rows of each slice.

    Raises:
        InputError: a slice without images, or two slices whose common share rounding changes by
            more than `CLOSE`.
    """
    n = len(order)
    ends = {name: [int(share * n + 1e-9) for share in shares] for name, shares in parts.items()}
    for name, (begin, end) in ends.items():
        if begin == end:
            raise InputError(
                f"config: splits.parts.{name}: expected one of the {n} training images or more, "
                "found none; widen it, or use a larger dataset"
            )
    for one, other in combinations(parts, 2):
        wanted, found = (common(of[one], of[other]) for of in (parts, ends))
        if abs(wanted - found) > CLOSE + 1e-9:
            raise InputError(
                f"config: splits.parts: expected {one} and {other} to have {wanted:.1%} of their "
                f"images in common, found {found:.1%}, as whole images of {n} give no closer "
                "share; use a larger dataset, or other shares"
            )
    return {name: order[begin:end] for name, (begin, end) in ends.items()}


def common(one: Shares, other: Shares) -> float:
    """Share of their images that two slices have in common: twice the common ones over all."""
    (begin, end), (start, stop) = one, other
    shared = max(0.0, min(end, stop) - max(begin, start))
    return 2 * shared / (end - begin + stop - start)
