"""Lipschitz bounds of the layers of a net, as a table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import pyarrow as pa
from torch import nn

from blindspots.bounds.networks import layer_bounds
from blindspots.files import tables
from blindspots.interface import UnsupportedError
from blindspots.measurements.contract import measurement

LIPSCHITZ = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("bound", pa.float64()),  # null: see `reason`
        pa.field("product", pa.float64()),  # with the layers before it
        pa.field("reason", pa.string()),  # why the net has no bounds; null: has bounds
    ]
)
"""Bounds of a net: a row per layer, in the order of application; or one row, with a reason."""


@measurement("net", tables=("lipschitz",), gpu=False, chance=True)
def layers(
    net: str,
    seed: int,
    model: nn.Module,
    shape: Sequence[int],
    progress: Callable[[int], None] | None = None,
    *,
    required: bool = False,
) -> pa.Table:
    """Bound the Lipschitz constants of a net's layers; for a net without bounds, give the reason.

    Args:
        net: name of the net.
        seed: seed of the net.
        model: the network, on the CPU.
        shape: shape of an image.
        progress: called with the number of layers that are done.
        required: whether a net without bounds ends the run with an error.

    Returns:
        A table with `LIPSCHITZ`.

    Raises:
        UnsupportedError: a layer without a known bound, where bounds are required.
    """
    origin = {"net": net, "seed": seed}
    try:
        bounds = layer_bounds(model, shape, progress)
    except UnsupportedError as error:
        if required:
            raise
        print(f"net {net}: left out: {error}", file=sys.stderr)
        return tables.build(origin | not_bounded(shape, str(error)), LIPSCHITZ)
    columns = {name: [getattr(bound, name) for bound in bounds] for name in bounds[0]._fields}
    return tables.build(origin | columns | {"reason": None}, LIPSCHITZ)


def not_bounded(shape: Sequence[int], reason: str) -> dict[str, Any]:
    """Columns of `LIPSCHITZ` for a net that has no bounds."""
    nothing = {"layer": "", "kind": "network", "outputs": 0, "bound": None, "product": None}
    return nothing | {"inputs": prod(shape), "reason": reason}
