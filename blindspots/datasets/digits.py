"""scikit-learn's bundled handwritten digits: 1 797 real 8 x 8 images, no download."""

from __future__ import annotations

import numpy as np

from blindspots.interface import Box, Dataset, InputError, Part
from blindspots.limits import Share


def digits(*, test_share: Share = 0.2, seed: int = 0) -> Dataset:
    """The UCI optical recognition of handwritten digits test set, as scikit-learn ships it.

    It has no test set of its own: a stratified share becomes it.

    Args:
        test_share: share of the images that becomes the test set.
        seed: seed of the draw of the test set.

    Returns:
        Images (n, 1, 8, 8) in [0, 1] (sixteenths), ten classes.

    Raises:
        InputError: a share that leaves a class without test or training image, a negative seed.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if not 0.01 <= test_share <= 0.99:
        raise InputError(f"test_share: expected 0.01 to 0.99, found {test_share}")
    if seed < 0:
        raise InputError(f"seed: expected at least 0, found {seed}")
    bunch = load_digits()
    images = (bunch.images[:, None] / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=test_share, random_state=seed, stratify=labels
    )
    return Dataset(
        train=Part(images[train], labels[train]),
        test=Part(images[test], labels[test]),
        classes=10,
        box=Box(0.0, 1.0),
    )
