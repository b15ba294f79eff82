"""Pools of adversarial examples for one level of a network, partly replaced as training goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from blindspots.interface import Box, InputError
from blindspots.trainers._examples import KINDS, examples, lengths
from blindspots.trainers._levels import Levels

T = TypeVar("T", int, float)


class Pool:
    """Examples at one level, each of a training image and with the image's label.

    Attributes:
        level: the level's number (`Levels`).
        rows: (size,) the training image that each example was made from.
        points: (size, …) the examples.
        lengths: (size,) distance of each from its image's values when it was made, RMS per unit.
        batches: number of batches drawn from the pool.
    """

    def __init__(
        self,
        level: int,
        size: int,
        images: int,
        make: Callable[[Tensor], tuple[Tensor, Tensor]],
        generator: torch.Generator,
    ) -> None:
        """Prepare; the pool is empty until `fill`.

        Args:
            level: the level's number.
            size: number of examples.
            images: number of training images.
            make: maps rows (k,) to examples (k, …) and lengths (k,), for the network as it is now.
            generator: on the CPU.
        """
        self.level, self.size, self.images = level, size, images
        self.make, self.generator = make, generator
        self.batches = 0
        self.rows = self.points = self.lengths = torch.empty(0)

    def fill(self) -> None:
        """Make all the examples."""
        self.rows = torch.randint(self.images, (self.size,), generator=self.generator)
        self.points, self.lengths = self.make(self.rows)

    def refresh(self, share: float) -> None:
        """Replace a random share of the examples by new ones of random images."""
        places = torch.randperm(self.size, generator=self.generator)[: round(share * self.size)]
        rows = torch.randint(self.images, (len(places),), generator=self.generator)
        self.rows[places] = rows
        there = places.to(self.points.device)
        self.points[there], self.lengths[there] = self.make(rows)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Return a random batch: the training images' rows (count,) and the examples (count, …)."""
        self.batches += 1
        at = torch.randint(self.size, (count,), generator=self.generator)
        return self.rows[at], self.points[at.to(self.points.device)]

    def state(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {name: getattr(self, name) for name in ("batches", "rows", "points", "lengths")}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        """Take over what `state` returned."""
        self.batches, self.rows = state["batches"], state["rows"]
        self.points, self.lengths = state["points"].to(device), state["lengths"].to(device)


def pools_of(
    network: Levels,
    images: Tensor,
    labels: Tensor,
    box: Box,
    *,
    layers: str | Sequence[int],
    kind: str,
    strength: float | Sequence[float],
    factor: float,
    steps: int,
    size: int,
    generator: torch.Generator,
) -> list[Pool]:
    """Return empty pools for some levels of a network.

    Args:
        network: the network, cut at its levels.
        images: (n, *image), from which examples are made.
        labels: (n,).
        box: range of a pixel.
        layers: "all", "input", or the numbers of levels.
        kind: as in `examples`.
        strength: as in `examples`; one for all pools, or a list with one per pool.
        factor: as in `examples`.
        steps: as in `examples`.
        size: number of examples in each pool.
        generator: on the CPU.

    Raises:
        InputError: no such layers or kind, or a list of strengths of another length.
    """
    if kind not in KINDS:
        raise InputError(f"kind: expected one of {', '.join(KINDS)}, found {kind!r}")
    named = {"all": range(len(network.cuts)), "input": [0]}
    if isinstance(layers, str) and layers not in named:
        raise InputError(f"layers: expected all, input or a list of numbers, found {layers!r}")
    levels = named[layers] if isinstance(layers, str) else layers
    if len(set(levels)) < len(levels):
        raise InputError(f"layers: expected each once, found {list(levels)}")

    def pool_of(level: int, strength: float) -> Pool:
        range_of_units = network.box(level, box)

        def make(rows: Tensor) -> tuple[Tensor, Tensor]:
            at = rows.to(images.device)
            points = network.points(level, images[at])
            with network.at_rest():
                made = examples(
                    kind, network.above(level), points, labels[at], range_of_units,
                    strength=strength, factor=factor, steps=steps, generator=generator,
                )  # fmt: skip
            return made, lengths(made - points)

        return Pool(level, size, len(images), make, generator)

    strengths = one_for_each("strength", strength, levels)
    return [pool_of(level, most) for level, most in zip(levels, strengths, strict=True)]


def check_use(size: int, refresh: float, mix: float, batch: int, begin: int, epochs: int) -> None:
    """Check that the pools would be made, used and partly replaced.

    Args:
        size: number of examples in each pool.
        refresh: share that is replaced at a time.
        mix: share of a batch that is examples.
        batch: clean images in a full batch.
        begin: epochs before the pools are made.
        epochs: all epochs of the training.

    Raises:
        InputError: a setting under which one of these would not happen.
    """
    if not 0 < mix < 1:
        raise InputError(f"mix: expected a share between 0 and 1, found {mix}; for none layers: []")
    if examples_beside(batch, mix) < 1:
        raise InputError(
            f"mix: expected at least one example beside {batch} clean images, found a share of "
            f"{mix}; raise mix or batch, or for none layers: []"
        )
    if round(refresh * size) < 1:
        raise InputError(
            f"refresh: expected at least one example of a pool of {size}, found a share of "
            f"{refresh}; raise refresh or pool"
        )
    if begin >= epochs:
        raise InputError(
            f"begin: expected fewer epochs without pools than the {epochs} of the training, found "
            f"{begin}; lower begin, or for none layers: []"
        )


def examples_beside(clean: int, mix: float) -> int:
    """Return how many examples make up the share `mix` of a batch with `clean` clean images."""
    return round(clean * mix / (1 - mix))


def one_for_each(name: str, value: T | Sequence[T], pools: Sequence[Any]) -> Sequence[T]:
    """Return a setting's value per pool; one value counts for all pools.

    Raises:
        InputError: a list of another length than the pools.
    """
    if not isinstance(value, Sequence):
        return [value] * len(pools)
    if len(value) != len(pools):
        raise InputError(
            f"{name}: expected one number for each of the {len(pools)} pools, "
            f"found {len(value)}: {list(value)}"
        )
    return value
