"""scikit-learn's bundled handwritten digits: 1 797 real 8 x 8 images, no download."""

from __future__ import annotations

import numpy as np

from blindspots.interface import Box, Dataset, Part


def digits(*, test_share: float = 0.2, seed: int = 0) -> Dataset:
    """The UCI optical recognition of handwritten digits test set, as scikit-learn ships it.

    It has no test set of its own: a stratified share, drawn with `seed`, becomes it.

    Returns:
        Images (n, 1, 8, 8) in [0, 1] (sixteenths), ten classes.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

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
