"""Schemas of the tables of units and of other directions."""

from __future__ import annotations

import pyarrow as pa

UNITS = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("trained", pa.bool_(), nullable=False),  # or as initialised, the control
        pa.field("layer", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # type of module, such as "ReLU"
        pa.field("place", pa.string(), nullable=False),  # "before", "after" a nonlinearity, …
        pa.field("scaling", pa.string(), nullable=False),  # one of units.directions.SCALINGS
        pa.field("arm", pa.string(), nullable=False),  # "units", "random", …
        pa.field("direction", pa.int32(), nullable=False),  # of a unit: place in the layer
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # null: see `reason`
        pa.field("reason", pa.string()),  # such as a dead unit
        pa.field("n", pa.int32(), nullable=False),  # number of images
    ]
)
"""Measures of directions: a row per net, layer, scaling, arm, direction and measure."""

UNIT_ROTATIONS = pa.schema(
    [
        *(UNITS.field(name) for name in ("net", "seed", "trained", "layer", "scaling", "measure")),
        pa.field("rotation", pa.int32(), nullable=False),
        pa.field("value", pa.float64()),  # mean over its directions; null: no values
    ]
)
"""Means of the measures over the units' frame after rotations drawn from Haar's measure."""


def unit_pictures(image: pa.Field) -> pa.Schema:
    """Schema of top images of directions: a row per net, layer, arm, direction and rank."""
    named = ("net", "seed", "trained", "layer", "kind", "arm", "direction")
    return pa.schema(
        [
            *(UNITS.field(name) for name in named),
            pa.field("rank", pa.int16(), nullable=False),  # 0: the largest score
            pa.field("score", pa.float64(), nullable=False),
            pa.field("dataset", pa.string(), nullable=False),
            pa.field("file", pa.string(), nullable=False),
            pa.field("index", pa.int32(), nullable=False),  # row in the prepared file
            pa.field("label", pa.int16(), nullable=False),
            image,
        ]
    )
