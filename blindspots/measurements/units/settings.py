"""Settings, network and tables of the measurement of units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from torch import nn


class Settings(NamedTuple):
    """Settings of the measurement, as in the config.

    Attributes:
        layers: names of layers, or "all".
        arms: arms in addition to the units, from `directions.ARMS`.
        scalings: scalings, from `directions.SCALINGS`.
        pool: "mean" or "max" over the places of a convolution.
        k: number of top images of a direction.
        directions: largest number of directions of an arm.
        rotations: number of rotations that the units' means are compared with.
        projected_n: number of first images on which the accuracy lost is measured.
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
    """Network to measure, and its name.

    Attributes:
        name: name in the config.
        seed: seed of the replicate.
        trained: whether it is the trained network, not the untrained control.
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
