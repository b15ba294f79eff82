"""A control: a step towards a random other image, no adversary."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from blindspots import families
from blindspots.attacks._checks import check_arguments
from blindspots.attacks.controls import Length, control, per_image
from blindspots.files.images import Stack
from blindspots.interface import UNIT_BOX, AttackResult, Box, InputError
from blindspots.randomness import draw_rows

READINGS = {"clipping": ("clip", {True: "clipped", False: "not clipped"})}
"""Texts on the settings for the report (`report.readings`)."""


@families.control
def other_image(
    model: nn.Module | None,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None = None,
    *,
    box: Box | None = UNIT_BOX,
    others: Stack | None = None,
    distortion: Length | Tensor = 0.1,
    clip: bool = True,
    matched: bool = True,
    seed: int = 0,
    rows: Iterable[int] | None = None,
) -> AttackResult:
    """Add the difference to a random other image, at a given distortion.

    Natural images vary in such a direction, unlike in that of noise.

    Args:
        model: not used; may be None.
        images: (n, *image) in the box.
        labels: (n,).
        targets: not used.
        box: range of a pixel.
        others: (k, *image) the images to draw from, the batch by default; which one is drawn
            depends on their number and order, so a workflow that cuts batches gives all of them.
        distortion: RMS per pixel, one for all images or (n,), such as another attack's.
        clip: keep the images in the box.
        matched: whether the distortion is the one after clipping, or before.
        seed: seed of the choice.
        rows: identifier of each image, its place in the batch by default.

    Returns:
        CONVERGED and a success for every image; INFEASIBLE where clipping leaves no room for the
        distortion.

    Raises:
        InputError: images outside the box, an invalid distortion, or no other image.
    """
    images, box = check_arguments(images, labels, targets, box)
    wanted = per_image(distortion, images)
    others = images if others is None else others
    rows = range(len(images)) if rows is None else rows
    draws = draw_rows(seed, "other image", rows, lambda rng: rng.random(1))[:, 0]
    chosen = torch.from_numpy((draws * len(others)).astype(int)).to(images.device)
    for _ in range(len(others)):
        same = (others[chosen] == images).flatten(1).all(dim=1)
        if not same.any():
            break
        chosen = torch.where(same, (chosen + 1) % len(others), chosen)
    else:
        raise InputError(
            f"images[{int(same.nonzero()[0])}]: expected another image to draw, found only itself"
        )
    direction = others[chosen] - images
    size = direction.double().flatten(1).norm(dim=1) / direction[0].numel() ** 0.5
    scale = (wanted / size).to(images).view(-1, *[1] * (images.ndim - 1))
    matching = wanted if matched else None
    return control(images, scale * direction, box, clip=clip, matched=matching)
