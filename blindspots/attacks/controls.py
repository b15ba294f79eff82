"""Controls: perturbations that no adversary chose, at a given distortion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from blindspots.interface import AttackResult, Box, InputError, Status
from blindspots.limits import at_least, at_most, of_pixels
from blindspots.threat.rays import Ray

Length = Annotated[float, at_least(0), at_most(1e6, "that float32 can square and sum"), of_pixels()]
"""Length of a perturbation, RMS per pixel; its square is summed over an image and in a network."""


@dataclass(frozen=True)
class Unclipped(AttackResult):
    """Images that may leave the box, returned by a control with `clip` false."""


def control(
    images: Tensor, perturbation: Tensor, box: Box, *, clip: bool, matched: Tensor | None = None
) -> AttackResult:
    """Add a perturbation to every image.

    Args:
        images: (n, *image).
        perturbation: (n, *image).
        box: range of a pixel.
        clip: keep the images in the box.
        matched: (n,) the distortions, RMS per pixel, to scale the perturbations to, as they are
            after clipping; None: the perturbations are not scaled.

    Returns:
        CONVERGED and a success for every image; INFEASIBLE where no scale has the distortion,
        because every pixel that the perturbation moves reaches its bound before.
    """
    none = torch.zeros(len(images), dtype=torch.int64, device=images.device)
    reached = torch.ones_like(none, dtype=torch.bool)
    if matched is not None:
        scale, reached = Ray(images, perturbation, box, clip=clip).scales(matched)
        perturbation = perturbation * scale.to(images).view(-1, *[1] * (images.ndim - 1))
    moved = _moved(images, perturbation, box, clip)
    kind = AttackResult if clip else Unclipped
    return kind(
        originals=images,
        images=torch.where(reached.view(-1, *[1] * (images.ndim - 1)), moved, images),
        success=reached,
        status=torch.where(reached, none + Status.CONVERGED, none + Status.INFEASIBLE),
        forwards=none,
        backwards=none.clone(),
    )


def unaimed(originals: Tensor, images: Tensor) -> AttackResult:
    """The result of a control that returns images alone: every one is a success.

    Args:
        originals: (n, *image).
        images: images of the same shape.
    """
    none = torch.zeros(len(originals), dtype=torch.int64, device=originals.device)
    return AttackResult(
        originals=originals,
        images=images.detach(),
        success=torch.ones_like(none, dtype=torch.bool),
        status=none + Status.CONVERGED,
        forwards=none,
        backwards=none.clone(),
    )


def per_image(distortion: float | Tensor, images: Tensor) -> Tensor:
    """A distortion for every image (n,), float64.

    Raises:
        InputError: a negative one, or not one for each; names the first.
    """
    value = torch.as_tensor(distortion, dtype=torch.float64, device=images.device)
    if value.ndim and value.shape != (len(images),):
        raise InputError(
            f"distortion: expected one, or one for each of the {len(images)} images, "
            f"found shape {tuple(value.shape)}"
        )
    value = value.expand(len(images))
    wrong = ~(value >= 0)
    if wrong.any():
        at = int(wrong.nonzero()[0])
        raise InputError(f"distortion[{at}]: expected 0 or more, found {value[at].item():g}")
    return value


def _moved(images: Tensor, perturbation: Tensor, box: Box, clip: bool) -> Tensor:
    moved = images + perturbation
    return moved.clamp(*box) if clip else moved
