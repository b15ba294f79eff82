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
        arms: beside the units, of `directions.ARMS`.
        scalings: of `directions.SCALINGS`.
        pool: "mean" or "max" over the places of a convolution.
        k: images that count as a direction's top.
        directions: of an arm at most.
        rotations: that the units' means are compared with.
        projected_n: images for the accuracy lost, the first of them.
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
        name: in the config.
        seed: of the replicate.
        trained: False for the control.
        model: in evaluation mode.
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
