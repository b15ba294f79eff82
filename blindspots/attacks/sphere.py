"""A control: noise in a direction drawn uniformly from the sphere, no adversary."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from blindspots import families
from blindspots.attacks._checks import check_arguments
from blindspots.attacks.controls import Length, control, per_image
from blindspots.interface import UNIT_BOX, AttackResult, Box
from blindspots.randomness import draw_rows

READINGS = {"clipping": ("clip", {True: "clipped", False: "not clipped"})}
"""Texts on the settings for the report (`report.readings`)."""


@families.control
def sphere(
    model: nn.Module | None,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box | None = UNIT_BOX,
    distortion: Length | Tensor = 0.1,
    clip: bool = True,
    matched: bool = True,
    seed: int = 0,
    rows: Iterable[int] | None = None,
) -> AttackResult:
    """Add noise of exactly one length to every image.

    Args:
        model: not used; may be None.
        images: (n, *image) in the box.
        labels: (n,).
        targets: not used.
        box: range of a pixel.
        distortion: RMS per pixel, one for all images or (n,), such as another attack's.
        clip: keep the noisy images in the box.
        matched: whether the distortion is the one after clipping, or before.
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
    wanted, shape = per_image(distortion, images), images.shape[1:]
    rows = range(len(images)) if rows is None else rows
    noise = torch.from_numpy(
        draw_rows(seed, "sphere", rows, lambda rng: rng.standard_normal(shape))
    ).to(images.device)
    size = noise.flatten(1).norm(dim=1) / noise[0].numel() ** 0.5
    noise = noise * (wanted / size).view(-1, *[1] * len(shape))
    return control(images, noise.to(images), box, clip=clip, matched=wanted if matched else None)
