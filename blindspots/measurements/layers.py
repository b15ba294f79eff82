"""Bounds of the layers of a net, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import pyarrow as pa

LIPSCHITZ = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("bound", pa.float64()),  # null: see `reason`
        pa.field("product", pa.float64()),  # of this layer and those before it
        pa.field("reason", pa.string()),  # why the net has no bounds; null: it has
    ]
)
"""Bounds of a net: a row per layer, in the order of application; or one row, with a reason."""


def not_bounded(shape: Sequence[int], reason: str) -> dict[str, Any]:
    """Columns of `LIPSCHITZ` for a net that has no bounds."""
    nothing = {"layer": "", "kind": "network", "outputs": 0, "bound": None, "product": None}
    return nothing | {"inputs": prod(shape), "reason": reason}
