"""A control: Gaussian noise of a given standard deviation, no adversary."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from blindspots.attacks._checks import check_arguments
from blindspots.interface import UNIT_BOX, AttackResult, Box, Status
from blindspots.randomness import draw_rows


def gaussian(
    model: nn.Module | None,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box = UNIT_BOX,
    std: float = 0.1,
    clip: bool = True,
    seed: int = 0,
    rows: Iterable[int] | None = None,
) -> AttackResult:
    """Add noise to every pixel (the noise rows of Szegedy et al. 2013, Tables 2 and 4).

    Args:
        model: not used; may be None.
        images: (n, *image) in the box.
        labels: (n,).
        targets: not used.
        box: range of a pixel.
        std: standard deviation of a pixel's noise, before clipping.
        clip: keep the noisy pixels in the box. The paper does not say; its printed distortions
            suggest that it did not.
        seed: of the noise.
        rows: what identifies each image, its place in the batch by default; its noise depends on
            the seed and on this alone.

    Returns:
        CONVERGED and a success for every image.

    Raises:
        InputError: images outside the box.
    """
    check_arguments(images, labels, targets, box)
    n, shape = len(images), images.shape[1:]
    rows = range(n) if rows is None else rows
    noise = draw_rows(seed, "gaussian", rows, lambda rng: rng.standard_normal(shape))
    noisy = images + std * torch.from_numpy(noise).to(images)
    none = torch.zeros(n, dtype=torch.int64, device=images.device)
    return AttackResult(
        originals=images,
        images=noisy.clamp(box.lower, box.upper) if clip else noisy,
        success=torch.ones(n, dtype=torch.bool, device=images.device),
        status=torch.full_like(none, Status.CONVERGED),
        forwards=none,
        backwards=none.clone(),
    )
