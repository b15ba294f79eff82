"""Norms of the linear layers of a network, as a table; no data is needed."""

from __future__ import annotations

import pyarrow as pa

OPERATORS = pa.schema(
    [
        pa.field("network", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),  # of its weights
        pa.field("layer", pa.string(), nullable=False),
        pa.field("weights", pa.string(), nullable=False),  # their shape, stride and groups
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),  # of the real operator
        pa.field("upper", pa.float64(), nullable=False),  # proven not to be below it
        pa.field("fourier", pa.float64()),  # on a torus; null: no convolution
        pa.field("printed", pa.float64()),  # with the factor that the paper prints; likewise
        pa.field("frame", pa.float64()),  # lower frame bound on the torus; likewise
    ]
)
"""Norms of linear layers: a row per network and layer, in the order in which they are applied."""
