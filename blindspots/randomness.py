"""Random numbers that depend on a seed, a purpose and a row, never on the batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np


def derived_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, such as the initial weights of one net, in [0, 2^63)."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "big") >> 1


def draw_rows(
    seed: int,
    purpose: str,
    rows: Iterable[int],
    draw: Callable[[np.random.Generator], np.ndarray],
) -> np.ndarray:
    """One draw per row from a generator of its own.

    Args:
        seed: seed of the run.
        purpose: use of the numbers; different purposes are independent.
        rows: identifiers of the rows, such as an image's place in its file.
        draw: map from a generator to an array.

    Returns:
        (n, …) the draws.
    """
    start = derived_seed(seed, purpose)
    return np.stack([draw(np.random.default_rng((start, row))) for row in rows])
