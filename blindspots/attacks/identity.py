"""A control: the images as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blindspots import families
from blindspots.attacks._checks import check_arguments
from blindspots.attacks.controls import control
from blindspots.interface import UNIT_BOX, AttackResult, Box


@families.control
def identity(
    model: nn.Module | None,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box | None = UNIT_BOX,
) -> AttackResult:
    """Change nothing: errors on these images are the net's clean errors.

    Args:
        model: not used; may be None.
        images: (n, *image) in the box.
        labels: (n,).
        targets: not used.
        box: range of a pixel.

    Returns:
        CONVERGED and a success for every image.

    Raises:
        InputError: images outside the box.
    """
    images, box = check_arguments(images, labels, targets, box)
    return control(images, torch.zeros_like(images), box, clip=True)
