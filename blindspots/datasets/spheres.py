"""Two concentric spheres: points whose distance to the other class is known."""

from __future__ import annotations

import numpy as np

from blindspots.interface import UNIT_BOX, Dataset, InputError, Part
from blindspots.limits import Share


def spheres(
    *,
    dimensions: int = 2,
    inner: float = 0.2,
    outer: float = 0.4,
    n: int = 2000,
    test_share: Share = 0.2,
    seed: int = 0,
) -> Dataset:
    """Points of two spheres around the middle of the box, as images of one row.

    Gilmer et al. 2018, "Adversarial spheres", section 2. The nearest point of the other class is
    `outer` − `inner` away from every point.

    Args:
        dimensions: dimensions of the space, which are the pixels of an image.
        inner: radius of class 0.
        outer: radius of class 1, at most ½, so that the sphere lies in the box.
        n: number of points, half of them in each class.
        test_share: share of the points that becomes the test set.
        seed: seed of the points.

    Returns:
        Images (n, 1, 1, dimensions) in [0, 1], two classes.

    Raises:
        InputError: radii that are not in order or leave the box.
    """
    if not 0 < inner < outer <= 0.5:
        raise InputError(
            f"data: expected 0 < inner < outer <= 0.5, found inner {inner} and outer {outer}"
        )
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    points = rng.standard_normal((n, dimensions))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points = 0.5 + points * np.where(labels == 1, outer, inner)[:, None]
    images = points.astype(np.float32).reshape(n, 1, 1, dimensions)
    test = round(n * test_share)
    return Dataset(
        Part(images[test:], labels[test:]), Part(images[:test], labels[:test]), 2, UNIT_BOX
    )
