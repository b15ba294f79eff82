"""The front door to the datasets, for users of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blindspots.config import methods
from blindspots.interface import InputError

if TYPE_CHECKING:
    from torch import Tensor


def load(method: str, *, part: str = "test", **settings: Any) -> tuple[Tensor, Tensor]:
    """Images and labels of a dataset.

    Args:
        method: name of the method, such as "digits" or "mnist", or module:function.
        part: "train" or "test".
        settings: settings of the method, such as `root`.

    Returns:
        (n, *image) float32 in the dataset's box, and (n,) int64.

    Raises:
        InputError: no such dataset or part, or files that are missing or altered.
    """
    import torch

    if part not in ("train", "test"):
        raise InputError(f"part: expected 'train' or 'test', found {part!r}")
    images, labels = getattr(methods.find("datasets", method)(**settings), part)
    return torch.from_numpy(images), torch.from_numpy(labels)
