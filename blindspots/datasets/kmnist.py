"""Kuzushiji-MNIST (Clanuwat et al. 2018): cursive Japanese characters in MNIST's format."""

from __future__ import annotations

from typing import Annotated

from blindspots.datasets import _idx
from blindspots.interface import Dataset
from blindspots.limits import mirror


def kmnist(*, root: Annotated[str | None, mirror("KMNIST/raw")] = None) -> Dataset:
    """KMNIST from a folder in torchvision's layout, else downloaded by torchvision.

    Args:
        root: folder that holds KMNIST/raw; None: $BLINDSPOTS_DATA, else a download, which
            torchvision verifies by checksum.

    Returns:
        Images (n, 1, 28, 28) in [0, 1], ten classes.

    Raises:
        InputError: a file is missing, cannot be downloaded, or is malformed.
    """
    return _idx.load("KMNIST", root, {})
