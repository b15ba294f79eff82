"""A control: Gaussian noise of a given standard deviation, no adversary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import torch
from torch import Tensor, nn

from blindspots import families
from blindspots.attacks._checks import check_arguments
from blindspots.attacks.controls import Length, control, per_image
from blindspots.interface import UNIT_BOX, AttackResult, Box
from blindspots.limits import instead_of
from blindspots.randomness import draw_rows

READINGS = {"clipping": ("clip", {True: "clipped", False: "not clipped"})}
"""Texts on the settings for the report (`report.readings`)."""


@families.control
def gaussian(
    model: nn.Module | None,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box | None = UNIT_BOX,
    std: Length = 0.1,
    clip: bool = True,
    distortion: Annotated[Length | Tensor | None, instead_of("std")] = None,
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
        distortion: RMS per pixel to which the noise is scaled, as it is after clipping, whatever
            `std`, one for all images or (n,); None: the standard deviation is kept.
        seed: seed of the noise.
        rows: identifier of each image, its place in the batch by default; its noise depends on
            the seed and on this alone.

    Returns:
        CONVERGED and a success for every image; INFEASIBLE where clipping leaves no room for the
        distortion.

    Raises:
        InputError: images outside the box, or an invalid distortion.
    """
    images, box = check_arguments(images, labels, targets, box)
    shape = images.shape[1:]
    rows = range(len(images)) if rows is None else rows
    drawn = draw_rows(seed, "gaussian", rows, lambda rng: rng.standard_normal(shape))
    noise = std * torch.from_numpy(drawn).to(images)
    wanted = None if distortion is None else per_image(distortion, images)
    return control(images, noise, box, clip=clip, matched=wanted)
