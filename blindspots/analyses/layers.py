"""Lipschitz bounds layer by layer, as in Table 5 of Szegedy et al. 2013 (section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.analyses._summary import cells, over_seeds
from blindspots.interface import LayerBound

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("inputs", pa.int32(), nullable=False),
        pa.field("outputs", pa.int32(), nullable=False),
        pa.field("bound", pa.float64(), nullable=False),
        pa.field("product", pa.float64(), nullable=False),  # of this layer and those before it
    ]
)
"""One row per layer of a net, in the order in which they are applied."""


def columns(bounds: Sequence[LayerBound]) -> dict[str, Any]:
    """The columns of `SCHEMA` that describe layers."""
    named = {
        field: list(values)
        for field, values in zip(LayerBound._fields, zip(*bounds, strict=True), strict=True)
    }
    return named | {"product": np.cumprod(named["bound"])}


def layers(lipschitz: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """The bounds of the layers that have one other than 1, and their product.

    Args:
        lipschitz: with `SCHEMA`.
        labels: of nets, by name.
    """
    bounded = lipschitz[lipschitz["bound"] != 1]
    rows = bounded.assign(
        row=bounded["net"] + ":" + bounded["layer"],
        row_label=[
            f"{labels.get(net, net)}: {kind} {inputs} → {outputs}"
            for net, kind, inputs, outputs in bounded[
                ["net", "kind", "inputs", "outputs"]
            ].itertuples(index=False)
        ],
    )
    found = [
        rows.assign(column=column, column_label=label, value=rows[column])
        for column, label in (("bound", "bound of the layer"), ("product", "product so far"))
    ]
    values = pd.concat(found).assign(unit="", n=0)
    keys = ["row", "row_label", "column", "column_label", "unit"]
    return cells(over_seeds(values, keys), labels, None)
