"""Images that are moved along perturbations, and kept in the box."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from blindspots.interface import Box


def flat(box: Box) -> tuple[Any, Any]:
    """A box for flattened images: numbers as they are, ranges of each feature (1, features)."""
    ends = (end if isinstance(end, float | int) else torch.as_tensor(end) for end in box)
    lower, upper = (end.flatten()[None] if isinstance(end, Tensor) else end for end in ends)
    return lower, upper


class Ray:
    """Images that are moved along perturbations: their distances at each scale, kept in the box.

    A pixel moves in proportion to the scale until it reaches its bound, so the squared distance is
    a quadratic between the scales at which pixels stop; these are sorted once.
    """

    def __init__(self, images: Tensor, perturbation: Tensor, box: Box, *, clip: bool) -> None:
        """Sort the scales at which pixels stop.

        Args:
            images: (n, *image) in the box.
            perturbation: (n, *image).
            box: range of a pixel.
            clip: whether pixels stop at the box.
        """
        x, r = images.double().flatten(1), perturbation.double().flatten(1)
        self.pixels = r.shape[1]
        lower, upper = flat(box)
        room = torch.where(r > 0, upper - x, x - lower)
        stops = room / r.abs() if clip else torch.full_like(r, torch.inf)
        stops = torch.where(r == 0, torch.inf, stops)
        self.stops, order = stops.sort(dim=1)
        square = r.square().gather(1, order)
        stopped = torch.where(square > 0, self.stops.square() * square, 0)
        stopped = torch.where(self.stops.isinf(), 0, stopped)
        nothing = torch.zeros_like(square[:, :1])
        # Sums over the pixels that have stopped before the k-th stop, and over those that still
        # move.
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
            (n,) the scales, 0 where no scale fits; and (n,) bool, whether one does.
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
