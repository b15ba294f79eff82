"""Controls: perturbations that no adversary chose, at a distortion given or matched."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from blindspots.interface import AttackResult, Box, InputError, Status


@dataclass(frozen=True)
class Unclipped(AttackResult):
    """Images that may leave the box: what a control returns that was asked not to clip."""


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
            after clipping; None: they are added as they are.

    Returns:
        CONVERGED and a success for every image; INFEASIBLE where no scale has the distortion, since
        every pixel that the perturbation moves is at its bound before.
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
    return moved.clamp(box.lower, box.upper) if clip else moved


class Ray:
    """Images that are moved along perturbations: how far they are at each scale, kept in the box.

    A pixel goes on in proportion to the scale until it is at its bound, so the squared distance is
    a quadratic between the scales at which pixels stop; these are sorted once.
    """

    def __init__(self, images: Tensor, perturbation: Tensor, box: Box, *, clip: bool) -> None:
        """Sort.

        Args:
            images: (n, *image) in the box.
            perturbation: (n, *image).
            box: range of a pixel.
            clip: whether pixels stop at the box.
        """
        x, r = images.double().flatten(1), perturbation.double().flatten(1)
        self.pixels = r.shape[1]
        room = torch.where(r > 0, box.upper - x, x - box.lower)
        stops = room / r.abs() if clip else torch.full_like(r, torch.inf)
        stops = torch.where(r == 0, torch.inf, stops)
        self.stops, order = stops.sort(dim=1)
        square = r.square().gather(1, order)
        stopped = torch.where(square > 0, self.stops.square() * square, 0)
        stopped = torch.where(self.stops.isinf(), 0, stopped)
        nothing = torch.zeros_like(square[:, :1])
        # Of the pixels that have stopped before the k-th stop, and of those that still move.
        self.fixed = torch.cat([nothing, stopped.cumsum(dim=1)], dim=1)
        self.moving = torch.cat([square.flip(1).cumsum(dim=1).flip(1), nothing], dim=1)
        finite = self.stops.masked_fill(self.stops.isinf(), 0)
        self.at_stop = self.fixed[:, :-1] + finite.square() * self.moving[:, :-1]
        self.at_stop = self.at_stop.masked_fill(self.stops.isinf(), torch.inf)

    def scales(self, distortion: Tensor) -> tuple[Tensor, Tensor]:
        """The smallest scales with given distortions.

        Args:
            distortion: (n,) RMS per pixel.

        Returns:
            (n,) the scales, 0 where there is none; and (n,) bool, whether there is one.
        """
        wanted = distortion.double().square() * self.pixels
        piece = torch.searchsorted(self.at_stop, wanted[:, None])  # the first stop beyond it
        fixed, moving = (values.gather(1, piece)[:, 0] for values in (self.fixed, self.moving))
        missing = wanted - fixed
        reached = (moving > 0) | (missing <= 1e-12 * wanted)
        scale = torch.where(missing > 0, (missing / moving).sqrt(), 0)
        last = self.stops.masked_fill(self.stops.isinf(), 0).amax(dim=1)  # rounding went beyond it
        scale = torch.where(moving > 0, scale, last).nan_to_num(0, posinf=0)
        return torch.where(reached & (wanted > 0), scale, 0), reached
