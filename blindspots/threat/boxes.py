"""Boxes beside images: what an operation needs of a box whose ends are numbers or arrays."""

from __future__ import annotations

import torch
from torch import Tensor

from blindspots.interface import Box


def ends(box: Box, like: Tensor) -> Box:
    """A box whose ends are both numbers, or both tensors of the type and on the device of images.

    So that ``images.clamp(*ends(box, images))`` holds images (n, *image) in any box.

    Args:
        box: its ends are numbers, or arrays or tensors (*image).
        like: images.
    """
    if all(isinstance(end, int | float) for end in box):
        return box
    return Box(*(torch.as_tensor(end, dtype=like.dtype, device=like.device) for end in box))


def flat(box: Box, like: Tensor) -> Box:
    """As `ends`, beside images (n, features)."""
    return Box(*(end.flatten() if isinstance(end, Tensor) else end for end in ends(box, like)))


def clamped(images: Tensor, box: Box) -> Tensor:
    """Images (n, *image) moved to the nearest points of a box."""
    return images.clamp(*ends(box, images))
