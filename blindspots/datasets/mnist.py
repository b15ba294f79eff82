"""MNIST (LeCun and Cortes 1998): 60 000 + 10 000 handwritten digits, 28 x 28."""

from __future__ import annotations

from typing import Annotated

from blindspots.datasets import _idx
from blindspots.interface import Dataset
from blindspots.limits import mirror

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def mnist(*, root: Annotated[str | None, mirror()] = None) -> Dataset:
    """MNIST from a folder in torchvision's layout, else downloaded by torchvision.

    Args:
        root: folder that holds MNIST/raw; None: $BLINDSPOTS_DATA, else a download.

    Returns:
        Images (n, 1, 28, 28) in [0, 1], ten classes; contents verified by checksum.

    Raises:
        InputError: a file is missing, cannot be downloaded, or is not the original.
    """
    return _idx.load("MNIST", root, MD5)
