"""The table of one attack on one net: a row per image, with the attacked image."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from blindspots.files import tables


def schema(shape: Sequence[int]) -> pa.Schema:
    """Columns of an attack's table whose images have this shape."""
    return pa.schema(
        [
            pa.field("net", pa.string(), nullable=False),
            pa.field("seed", pa.int32(), nullable=False),
            pa.field("attack", pa.string(), nullable=False),
            pa.field("dataset", pa.string(), nullable=False),
            pa.field("file", pa.string(), nullable=False),
            pa.field("index", pa.int32(), nullable=False),
            pa.field("label", pa.int16(), nullable=False),
            pa.field("target", pa.int16()),  # null: any wrong class
            pa.field("prediction", pa.int16(), nullable=False),  # unaltered image; -1: rejected
            pa.field("attacked_prediction", pa.int16(), nullable=False),  # -1: rejected
            pa.field("success", pa.bool_(), nullable=False),
            pa.field("status", pa.string(), nullable=False),
            pa.field(
                "distortion", pa.float64()
            ),  # RMS per pixel; null, as the next two: no success
            pa.field("l2", pa.float64()),
            pa.field("linf", pa.float64()),
            pa.field("penalty", pa.float64()),  # c of the best solution; null: not a penalty attack
            pa.field("forwards", pa.int64(), nullable=False),
            pa.field("backwards", pa.int64(), nullable=False),
            tables.image_field(shape),
        ]
    )
