"""Directions in which images are moved, such as noise, and where along each a victim errs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from blindspots.files.images import Images
from blindspots.interface import UNBOUNDED
from blindspots.measurements.controls import NOISE, NOISE_IN_BOX, NOISES
from blindspots.randomness import draw_rows
from blindspots.threat.goals import mistaken
from blindspots.threat.outcomes import is_rejected, is_wrong, predictions, widened
from blindspots.threat.rays import Ray

BEYOND = 1.002
"""Factor on the radius at which a witness is taken, as there is a tie at the radius itself."""
BISECTIONS = 16
"""Number of bisections of the interval of distortions in which a victim begins to err."""

Victims = Mapping[str, nn.Module]


class Direction:
    """Images, each with a direction along which it is moved, within the box or out of it."""

    def __init__(self, data: Images, perturbation: Tensor, *, clip: bool = True) -> None:
        """Take the originals, and perturbations (n, *image) of any length.

        Args:
            data: the originals.
            perturbation: (n, *image).
            clip: whether images are kept in the box.
        """
        self.data, self.perturbation = data, perturbation.double()
        self.box = data.box if clip else UNBOUNDED
        self.ray = Ray(data.images, perturbation, self.box, clip=clip)

    def at_scale(self, scale: Tensor) -> Tensor:
        """Images at scales (n,) of the perturbation."""
        step = scale.view(-1, *[1] * (self.perturbation.ndim - 1)) * self.perturbation
        moved = self.data.images.double() + step
        return moved.clamp(*self.box).to(self.data.images)

    def at(self, distortion: Tensor | float) -> tuple[Tensor, Tensor, Tensor]:
        """Scales (n,) for distortions (RMS per pixel), whether each is reached (n,), and images."""
        wanted = torch.as_tensor(distortion, dtype=torch.float64, device=self.data.images.device)
        scale, reached = self.ray.scales(wanted.expand(len(self.data.images)))
        return scale, reached, self.at_scale(scale)


def noise(data: Images, draws: int, seed: int) -> Iterator[tuple[str, Direction]]:
    """Draw directions uniform on the sphere for each image.

    Args:
        data: the originals.
        draws: number of draws.
        seed: seed of the draws, which depend on it and on an image's row alone.

    Yields:
        For each draw, the kinds of noise (`controls.NOISES`) and their directions. They are the
        same for all kinds, which differ in whether images are kept in the box.
    """
    shape = data.images.shape[1:]
    for draw in range(draws):
        purpose = f"{NOISE} {draw}"
        drawn = draw_rows(seed, purpose, data.rows, lambda rng: rng.standard_normal(shape))
        perturbation = torch.from_numpy(drawn).to(data.images.device)
        for kind in NOISES:
            yield kind, Direction(data, perturbation, clip=kind == NOISE_IN_BOX)


class Radii(NamedTuple):
    """Distance along a direction at which one victim begins to err, for each of n images.

    Attributes:
        victim: name of the victim.
        radius: (n,) distortions, RMS per pixel; 0 where the victim errs on the image itself, NaN
            where it does not err up to the largest distortion.
        errs: (k, n) bool, whether the victim errs at each distortion of the grid.
        rejects: (k, n) bool, whether the victim rejects the image at each distortion.
        reached: (k, n) bool, whether the image can be moved to each distortion.
        beyond: (n, *image) images slightly farther than the radius.
        mistaken: (n,) bool, whether the victim gets `beyond` wrong by the margin that a witness
            needs.
    """

    victim: str
    radius: np.ndarray
    errs: np.ndarray
    rejects: np.ndarray
    reached: np.ndarray
    beyond: Tensor
    mistaken: np.ndarray


def radii(direction: Direction, victims: Victims, distortions: Sequence[float]) -> Iterator[Radii]:
    """Find the smallest distortions along a direction at which victims err.

    A grid is searched first, as a victim may be right again farther out; then bisection refines
    between the first distortion of the grid at which it errs and the one before.

    Args:
        direction: images and their directions.
        victims: victims by name.
        distortions: grid of distortions, ascending.

    Yields:
        The radii of each victim.
    """
    data, grid = direction.data, [direction.at(distortion) for distortion in distortions]
    scales = torch.stack([torch.zeros_like(grid[0][0]), *(scale for scale, _, _ in grid)])
    reached = torch.stack([ok for _, ok, _ in grid])
    for name, model in victims.items():
        clean = _errs(model, data.images, data)
        given = torch.stack([_answers(model, images, data) for _, _, images in grid])
        errs = is_wrong(given, data.labels) & reached
        first = errs.int().argmax(dim=0)
        low, high = scales.gather(0, first[None])[0], scales.gather(0, first[None] + 1)[0]
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            beyond = _errs(model, direction.at_scale(middle), data)
            low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
        change = (direction.at_scale(high).double() - data.images.double()).flatten(1)
        radius = change.square().mean(dim=1).sqrt().masked_fill(~errs.any(dim=0), torch.nan)
        radius = radius.masked_fill(clean, 0)
        beyond = direction.at_scale(high * BEYOND)
        wrong = misled(model, beyond, data) & (radius > 0)
        rejects = is_rejected(given) & reached
        yield Radii(
            name, radius.cpu().numpy(), errs.cpu().numpy(), rejects.cpu().numpy(),
            reached.cpu().numpy(), beyond, wrong.cpu().numpy(),
        )  # fmt: skip


def answered(model: nn.Module, images: Tensor, reached: Tensor, data: Images) -> np.ndarray:
    """Return which images are answered wrongly, are rejected, and count at all, (3, n) bool.

    Args:
        model: function from images to logits.
        images: (n, *image) made from `data`.
        reached: (n,) bool, images that were moved as far as wanted; the others do not count.
        data: the originals.
    """
    given = _answers(model, images, data)
    seen = is_wrong(given, data.labels), is_rejected(given), torch.ones_like(reached)
    return (torch.stack(seen) & reached).cpu().numpy()


def misled(model: nn.Module, images: Tensor, data: Images) -> Tensor:
    """Return whether a model gets images wrong by the margin that a witness needs, (n,) bool."""
    with torch.no_grad():
        return mistaken(widened(model(images)), data.labels, data.classes)


def _answers(model: nn.Module, images: Tensor, data: Images) -> Tensor:
    """Answers (n,) of a model to images made from `data`."""
    with torch.no_grad():
        return predictions(widened(model(images)), data.classes)


def _errs(model: nn.Module, images: Tensor, data: Images) -> Tensor:
    """Return whether a model's answers to images are wrong, (n,) bool."""
    return is_wrong(_answers(model, images, data), data.labels)
