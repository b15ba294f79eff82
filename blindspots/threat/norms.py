"""Norms of perturbations: lengths, the nearest point of a ball in the box, steepest steps.

L0 counts pixels, all channels of a pixel together: images are (n, channels, …), vectors (n, d). All
lengths are in float64.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from blindspots.interface import UNBOUNDED, Box
from blindspots.threat.rays import Ray, flat


class Norm(ABC):
    """A norm of a perturbation.

    Attributes:
        name: name in tables.
        dual: name of the dual norm; None: it has no dual.
    """

    name: str
    dual: str | None

    @abstractmethod
    def length(self, change: Tensor) -> Tensor:
        """Lengths (n,), float64, of changes (n, *image)."""

    @abstractmethod
    def project(
        self, originals: Tensor, points: Tensor, radius: Tensor | float, box: Box = UNBOUNDED
    ) -> Tensor:
        """The nearest points, in L2, that lie in the ball and in the box.

        Args:
            originals: (n, *image) centres of the balls, in the box.
            points: (n, *image).
            radius: (n,) or one for all, at least 0; whole numbers for L0.
            box: range of a pixel.
        """

    @abstractmethod
    def steepest(self, gradient: Tensor) -> Tensor:
        """Changes (n, *image) of length 1 along which a linear function rises most; 0 where none.

        Args:
            gradient: (n, *image) of the function.
        """


def per_pixel(values: Tensor) -> Tensor:
    """Values (n, channels, …) as (n, channels, pixels); of vectors (n, d) as (n, 1, d)."""
    return values.flatten(2) if values.ndim > 2 else values.flatten(1)[:, None]


def _radii(radius: Tensor | float, images: Tensor) -> Tensor:
    wanted = torch.as_tensor(radius, dtype=torch.float64, device=images.device)
    return wanted.expand(len(images))


def _like(values: Tensor, images: Tensor) -> Tensor:
    """Values (n,) in a shape that broadcasts with images (n, *image)."""
    return values.view(-1, *[1] * (images.ndim - 1))


def _inside(points: Tensor, box: Box) -> Tensor:
    """Points (n, *image) in a box of numbers, or of a range for each feature."""
    lower, upper = flat(box)
    return points.flatten(1).clamp(lower, upper).view(points.shape)


class _Linf(Norm):
    name, dual = "linf", "l1"

    def length(self, change: Tensor) -> Tensor:
        return change.double().flatten(1).abs().amax(dim=1)

    def project(
        self, originals: Tensor, points: Tensor, radius: Tensor | float, box: Box = UNBOUNDED
    ) -> Tensor:
        reach = _like(_radii(radius, originals), originals)
        x, p = originals.double(), points.double()
        return _inside(p.clamp(x - reach, x + reach), box).to(points)

    def steepest(self, gradient: Tensor) -> Tensor:
        return gradient.sign()


class _L2(Norm):
    name, dual = "l2", "l2"

    def length(self, change: Tensor) -> Tensor:
        return change.double().flatten(1).norm(dim=1)

    def project(
        self, originals: Tensor, points: Tensor, radius: Tensor | float, box: Box = UNBOUNDED
    ) -> Tensor:
        # By the optimality conditions the nearest point is on the way to the clipped point along
        # which pixels stop at the box, at the length of the radius.
        x, change = originals.double(), points.double() - originals.double()
        ray = Ray(x, change, box, clip=True)
        wanted = _radii(radius, originals)
        scale, reached = ray.scales(wanted / math.sqrt(ray.pixels))
        scale = torch.where(reached & (scale < 1), scale, 1.0)
        scale = torch.where(wanted > 0, scale, 0.0)
        return _inside(x + _like(scale, x) * change, box).to(points)

    def steepest(self, gradient: Tensor) -> Tensor:
        length = _like(self.length(gradient), gradient).to(gradient)
        return torch.where(length > 0, gradient / length, 0.0)


class _L1(Norm):
    name, dual = "l1", "linf"

    def length(self, change: Tensor) -> Tensor:
        return change.double().flatten(1).abs().sum(dim=1)

    def project(
        self, originals: Tensor, points: Tensor, radius: Tensor | float, box: Box = UNBOUNDED
    ) -> Tensor:
        # A feature is moved by min(max(|d| − τ, 0), room), with the τ ≥ 0 at which these sum to the
        # radius, or 0 where they sum to less: piecewise linear, and falling, in τ.
        x, change = originals.double().flatten(1), (points - originals).double().flatten(1)
        size, wanted = change.abs(), _radii(radius, originals)
        lower, upper = flat(box)
        room = torch.minimum(torch.where(change > 0, upper - x, x - lower), size)
        kinks = torch.cat([torch.zeros_like(size[:, :1]), size, size - room], dim=1).sort(dim=1)[0]
        first = torch.zeros(len(x), dtype=torch.long, device=x.device)
        last = torch.full_like(first, kinks.shape[1] - 1)  # where nothing is moved
        for _ in range(kinks.shape[1].bit_length()):
            middle = (first + last) // 2
            reached = _moved(size, room, _at(kinks, middle)).sum(dim=1) <= wanted
            first = torch.where(reached, first, middle + 1)
            last = torch.where(reached, middle, last)
        low, high = _at(kinks, (last - 1).clamp_min(0)), _at(kinks, last)
        most, least = (_moved(size, room, end).sum(dim=1) for end in (low, high))
        share = torch.where(most > least, (most - wanted) / (most - least), 0).clamp(0, 1)
        moved = _moved(size, room, low + share[:, None] * (high - low))
        return (x + change.sign() * moved).view_as(points).to(points)

    def steepest(self, gradient: Tensor) -> Tensor:
        flat = gradient.flatten(1)
        at = flat.abs().argmax(dim=1, keepdim=True)
        return torch.zeros_like(flat).scatter(1, at, flat.gather(1, at).sign()).view_as(gradient)


def _at(values: Tensor, places: Tensor) -> Tensor:
    return values.gather(1, places[:, None])


def _moved(size: Tensor, room: Tensor, tau: Tensor) -> Tensor:
    return torch.minimum((size - tau).clamp_min(0), room)


class _L0(Norm):
    name, dual = "l0", None

    def length(self, change: Tensor) -> Tensor:
        return (per_pixel(change) != 0).any(dim=1).sum(dim=1).double()

    def project(
        self, originals: Tensor, points: Tensor, radius: Tensor | float, box: Box = UNBOUNDED
    ) -> Tensor:
        # A pixel that moves goes to the box's nearest point; the pixels with the largest gain move.
        x, p = originals.double(), points.double()
        inside = _inside(p, box)
        gain = per_pixel((p - x).square() - (p - inside).square()).sum(dim=1)
        rank = gain.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        chosen = (rank < _radii(radius, originals)[:, None]) & (gain > 0)
        wide = chosen[:, None].expand_as(per_pixel(x)).reshape(x.shape)
        return torch.where(wide, inside, x).to(points)

    def steepest(self, gradient: Tensor) -> Tensor:
        """Steepest step in L0: all channels of the pixel with the largest gradient, by signs."""
        pixels = per_pixel(gradient)
        at = pixels.abs().sum(dim=1).argmax(dim=1)[:, None, None]
        chosen = torch.zeros_like(pixels).scatter(2, at.expand(-1, pixels.shape[1], 1), 1.0)
        return (chosen * pixels.sign()).view_as(gradient)


NORMS: dict[str, Norm] = {norm.name: norm for norm in (_L0(), _L1(), _L2(), _Linf())}
"""Norms by name."""
