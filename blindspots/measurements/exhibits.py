"""Exhibits: perturbed images of one origin to show to nets: attacked, amplified, or a control's.

An exhibit holds a few numbers per image; the images are read, or made, when they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from torch import Tensor

from blindspots.attacks.contract import call
from blindspots.config import methods
from blindspots.files import tables
from blindspots.files.images import Budget, Deferred, Images, Stack, held, some
from blindspots.files.rows import Rows
from blindspots.interface import AttackResult, Box, InputError
from blindspots.threat.chance import seeded
from blindspots.threat.outcomes import RIGHT

BLOCK = 256
"""Number of images whose distortions are computed, or that a control makes, at a time."""


@dataclass(frozen=True, eq=False)
class Exhibit:
    """Perturbed images of one origin.

    Attributes:
        source: name of the net that they were made for; None: a control.
        attack: name of the attack.
        eps: radius of the attack; None: the attack has none.
        amplified_to: nominal distortion, for amplified images.
        data: the originals.
        stack: (n, *image) perturbed images; in memory, or made when they are needed.
        success: (n,) bool, whether the attack reached its goal.
        distortion: (n,) float64, RMS per pixel.
        before: (n,) outcome of the source's answer to each original; None: a control.
    """

    source: str | None
    attack: str
    eps: float | None
    amplified_to: float | None
    data: Images
    stack: Stack
    success: np.ndarray
    distortion: np.ndarray
    before: np.ndarray | None = None

    @cached_property
    def images(self) -> Tensor:
        """Perturbed images (n, *image), all made at once and kept."""
        return self.stack[:]

    @property
    def made_by(self) -> str:
        """Name of the attack, with its radius if it has one: "pgd at eps 0.1"."""
        return self.attack if self.eps is None else f"{self.attack} at eps {self.eps:g}"

    @property
    def failed(self) -> np.ndarray:
        """Indicator (n,) of places without an image; attacks with a radius always return one."""
        return ~self.success & (self.eps is None)

    @property
    def pooled(self) -> float | None:
        """Root of the mean square distortion, as tables pool it; None: of no image.

        It is over the images that the source gets right unaltered and on which the attack
        succeeded (`analyses.attacked.success_columns`).
        """
        counted = self.distortion[self.success & (self.before == RIGHT)]
        return float(np.sqrt(np.square(counted).mean())) if len(counted) else None

    def at(self, at: slice) -> Exhibit:
        """Return the exhibit of the images at some places."""
        return replace(
            self,
            data=self.data.at(at),
            stack=some(self.stack, at),
            success=self.success[at],
            distortion=self.distortion[at],
            before=None if self.before is None else self.before[at],
        )

    def chunks(self, size: int) -> Iterator[Exhibit]:
        """Iterate over the exhibit, `size` images at a time."""
        return (self.at(slice(i, i + size)) for i in range(0, len(self.data), size))


def in_memory(exhibits: Iterable[Exhibit], most: float) -> Iterator[Exhibit]:
    """Yield exhibits, loading the images of the first ones into memory, up to `most` bytes."""
    budget = Budget(most)
    for exhibit in exhibits:
        yield replace(exhibit, stack=budget.held(exhibit.stack))


def amplify(
    originals: Tensor,
    images: Tensor,
    distortion: float,
    box: Box,
    *,
    clip: bool,
    pooled: float | None = None,
) -> Tensor:
    """Scale each perturbation to a distortion (Table 4, "amplified to stddev=0.1").

    The paper's text has x + 0.1 (x' − x)/‖x' − x‖₂, which taken literally is a distortion of
    0.1/√m; a factor of 0.1 √m is meant. Images without a perturbation stay as they are.

    Args:
        originals: (n, *image).
        images: (n, *image) attacked images.
        distortion: RMS per pixel before clipping.
        box: range of a pixel.
        clip: whether to clip the result to the box.
        pooled: distortion that stands for that of every perturbation, so that all are scaled by
            one factor; None: each has its own.
    """
    change = (images - originals).flatten(1)
    rms = change.square().mean(dim=1, keepdim=True).sqrt()
    whole = rms if pooled is None else torch.full_like(rms, pooled)
    scaled = torch.where(rms > 0, change * (distortion / whole), 0).view_as(images)
    return (originals + scaled).clamp(*box) if clip else originals + scaled


def attacked(
    path: str | Path, data: Images, scales: Sequence[float], clip: bool, by: str = "image"
) -> Iterator[Exhibit]:
    """Yield the images of an attack's table at each radius, unchanged and amplified to each scale.

    Args:
        path: path of the table, whose rows for the radii of one image are adjacent.
        data: images in the split's order; the table has the same images, or begins with them.
        scales: distortions to amplify to, RMS per pixel.
        clip: whether to clip amplified images to the box.
        by: "image" or "all", see `amplified`.

    Raises:
        InputError: a table of other images.
    """
    rows, device = Rows(path, ["image"]), data.labels.device

    def read(places: np.ndarray) -> Tensor:
        return torch.from_numpy(rows.images(places)).to(device)

    said = tables.read(path, ["net", "attack", "eps", "index", "success", "outcome", "distortion"])
    radii = pc.unique(said["eps"]).to_pylist()
    said = said.slice(0, len(radii) * len(data))
    for number, eps in enumerate(radii):
        places = np.arange(number, len(said), len(radii))
        table = said.take(places)
        if not np.array_equal(table["index"].to_numpy(), data.rows):
            raise InputError(
                f"{path}: expected the split's images in the split's order, found others; delete "
                "the file and run again"
            )
        found = Exhibit(
            table["net"][0].as_py(),
            table["attack"][0].as_py(),
            eps,
            None,
            data,
            Deferred(read, places, data.shape, device),
            table["success"].to_numpy(zero_copy_only=False),
            table["distortion"]
            .fill_null(0)
            .to_numpy()
            .copy(),  # where an attack failed: the original
            np.array(table["outcome"].to_pylist(), object),
        )
        yield found
        yield from amplified(found, scales, clip, by)


def amplified(
    exhibit: Exhibit, scales: Sequence[float], clip: bool, by: str = "image"
) -> Iterator[Exhibit]:
    """Yield an exhibit amplified to each distortion of `scales` (RMS per pixel).

    The amplified images are in memory if the exhibit's images are.

    Args:
        exhibit: images to amplify.
        scales: distortions.
        clip: whether to clip amplified images to the box.
        by: "image": every image gets the distortion; "all": all are scaled by one factor, so that
            it is the exhibit's pooled distortion; an exhibit without one stays as it is.
    """
    data = exhibit.data
    for scale in scales:

        def make(places: np.ndarray, scale: float = scale) -> Tensor:
            at = torch.from_numpy(places)
            originals, images = data.stack[at], exhibit.stack[at]
            pooled = (exhibit.pooled or scale) if by == "all" else None
            return amplify(originals, images, scale, data.box, clip=clip, pooled=pooled)

        stack: Stack = Deferred(make, np.arange(len(data)), data.shape, data.labels.device)
        stack = held(stack) if isinstance(exhibit.stack, Tensor) else stack
        found = replace(exhibit, amplified_to=scale, stack=stack)
        lengths = [_distortion(part.data, part.images) for part in found.chunks(BLOCK)]
        yield replace(found, distortion=np.concatenate(lengths))


def control(
    name: str, method: str, settings: Mapping[str, Any], data: Images, seed: int
) -> Exhibit:
    """Return the exhibit of an attack that needs no source, such as noise.

    Args:
        name: name of the attack in the config.
        method: method of the attack.
        settings: settings of the method.
        data: the originals.
        seed: seed of the attack's draws.
    """
    attack = methods.find("attacks", method)

    def block(number: int) -> AttackResult:
        part = data.at(slice(number * BLOCK, (number + 1) * BLOCK)).held()
        with seeded(seed, f"control {name} {number}"):  # the same whenever they are made
            return call(attack, None, part, None, seed=seed, others=data, settings=settings)

    def make(places: np.ndarray) -> Tensor:
        found = torch.empty((len(places), *data.shape), device=data.labels.device)
        for number in np.unique(places // BLOCK):
            at = np.flatnonzero(places // BLOCK == number)
            found[torch.from_numpy(at)] = block(number).images[places[at] - number * BLOCK]
        return found

    every = (block(number) for number in range(-(-len(data) // BLOCK)))
    columns = [(of.success.cpu().numpy(), of.distortion.cpu().numpy()) for of in every]
    success, distortion = map(np.concatenate, zip(*columns, strict=True))
    stack = Deferred(make, np.arange(len(data)), data.shape, data.labels.device)
    return Exhibit(None, name, None, None, data, stack, success, distortion)


def _distortion(data: Images, images: Tensor) -> np.ndarray:
    change = (images.double() - data.images.double()).flatten(1)
    return change.square().mean(dim=1).sqrt().cpu().numpy()
