"""Settings, network and tables of the measurement of units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from torch import nn


class Settings(NamedTuple):
    """Settings of the measurement, as in the config.

    Attributes:
        layers: names, or "all".
        arms: arms beside the units, some of `directions.ARMS`.
        scalings: of `directions.SCALINGS`.
        pool: "mean" or "max" over the places of a convolution.
        k: images that count as a direction's top.
        directions: largest number of directions of an arm.
        rotations: number of rotations that the units' means are compared with.
        projected_n: number of images, the first ones, for the accuracy lost.
    """

    layers: Sequence[str] | str
    arms: Sequence[str]
    scalings: Sequence[str]
    pool: str
    k: int
    directions: int
    rotations: int
    projected_n: int


class Network(NamedTuple):
    """The network that is measured, and its name.

    Attributes:
        name: name in the config.
        seed: seed of the replicate.
        trained: False for the control.
        model: the network, in evaluation mode.
    """

    name: str
    seed: int
    trained: bool
    model: nn.Module


class Found(NamedTuple):
    """Tables with the schemas of `measurements.units.tables`."""

    units: pa.Table
    rotations: pa.Table
    pictures: pa.Table
