"""Norms of the linear layers of a network, as a table; no data is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from torch import nn

from blindspots.bounds.linear import LinearLayer, linear_layers
from blindspots.files import tables
from blindspots.measurements.contract import measurement

OPERATORS = pa.schema(
    [
        pa.field("network", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),  # origin of its weights
        pa.field("layer", pa.string(), nullable=False),
        pa.field("weights", pa.string(), nullable=False),  # their shape, stride and groups
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),  # norm of the actual operator
        pa.field("upper", pa.float64(), nullable=False),  # proven upper bound of the norm
        pa.field("fourier", pa.float64()),  # on a torus; null: not a convolution
        pa.field("printed", pa.float64()),  # with the paper's factor; null: as above
        pa.field("frame", pa.float64()),  # lower frame bound; null: as above
    ]
)
"""Norms of linear layers: a row per network and layer, in the order in which they are applied."""


@measurement("run", tables=("operators",), runtime=30, gpu=False)
def operators(
    entry: str,
    network: nn.Module,
    origin: str,
    shape: Sequence[int],
    progress: Callable[[int], None] | None = None,
) -> pa.Table:
    """Measure the norms of a network's linear layers.

    Args:
        entry: name of the network.
        network: the network, of any size.
        origin: origin of its weights.
        shape: shape of an image.
        progress: called with the number of layers that are done.

    Returns:
        A table with `OPERATORS`.

    Raises:
        UnsupportedError: a network whose layers do not determine what it computes.
    """
    found = linear_layers(network, shape, progress)
    columns = {name: [getattr(layer, name) for layer in found] for name in LinearLayer._fields}
    return tables.build(columns | {"network": entry, "origin": origin}, OPERATORS)
