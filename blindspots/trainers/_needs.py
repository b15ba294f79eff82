"""Checks of what every training needs: images, and parameters to train."""

from __future__ import annotations

from collections.abc import Sized

from torch import nn

from blindspots.interface import InputError


def check_images(images: Sized) -> None:
    """Refuse to train on no image.

    Raises:
        InputError: there is none.
    """
    if len(images) == 0:
        raise InputError("expected at least one training image, found none; enlarge the part")


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of a model that require gradients.

    Raises:
        InputError: there are none.
    """
    found = [p for p in model.parameters() if p.requires_grad]
    if not found:
        raise InputError("model: expected parameters to train, found none")
    return found
