"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): articles of clothing in MNIST's format."""

from __future__ import annotations

from typing import Annotated

from blindspots.datasets import _idx
from blindspots.interface import Dataset
from blindspots.limits import mirror


def fashion_mnist(*, root: Annotated[str | None, mirror("FashionMNIST/raw")] = None) -> Dataset:
    """FashionMNIST from a folder in torchvision's layout, else downloaded by torchvision.

    Args:
        root: folder that holds FashionMNIST/raw; None: $BLINDSPOTS_DATA, else a download, which
            torchvision verifies by checksum.

    Returns:
        Images (n, 1, 28, 28) in [0, 1], ten classes.

    Raises:
        InputError: a file is missing, cannot be downloaded, or is malformed.
    """
    return _idx.load("FashionMNIST", root, {})
