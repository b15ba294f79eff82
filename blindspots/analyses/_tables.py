"""The tables that jobs write and analyses read."""

from __future__ import annotations

import pyarrow as pa

TRANSFER = pa.schema(
    [
        pa.field("source", pa.string()),  # null: a control, which has no source
        pa.field("attack", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("amplified_to", pa.float64()),  # nominal distortion; null: as the attack left it
        pa.field("victim", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("prediction", pa.int16(), nullable=False),
        pa.field("margin", pa.float64(), nullable=False),  # label's logit less the largest other
        pa.field("success", pa.bool_(), nullable=False),  # whether the attack reached its goal
        pa.field("distortion", pa.float64()),  # actual, RMS per pixel; null: the attack failed
    ]
)
"""Answers to attacked images: a row per source (or control), victim and image."""

LIPSCHITZ = pa.schema(
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
"""Bounds of a net: a row per layer, in the order in which they are applied."""
