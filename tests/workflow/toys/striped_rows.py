"""Toy of a dataset: the class says which two of eight rows are bright."""

import numpy as np

from blindspots.interface import UNIT_BOX, Dataset, Part


def striped_rows(*, train: int = 64, test: int = 24):
    """Images (n, 1, 8, 8) in steps of 1/255; columns differ in brightness, the first is black."""
    drawn = np.random.default_rng(0)
    parts = []
    for n in (train, test):
        labels = np.arange(n, dtype=np.int64) % 4
        columns = drawn.integers(0, 70, (n, 1, 1, 8)) * (np.arange(8) > 0)
        bright = np.arange(8)[:, None] // 2 == labels[:, None, None, None]
        parts.append(Part(((columns + 153 * bright) / 255).astype(np.float32), labels))
    return Dataset(*parts, 4, UNIT_BOX)
