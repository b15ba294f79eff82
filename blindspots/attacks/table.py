"""The table of one attack on one net: a row per image, with the attacked image."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from blindspots.files import tables
from blindspots.threat.outcomes import WORD


def schema(shape: Sequence[int]) -> pa.Schema:
    """Columns of an attack's table whose images have this shape."""
    return pa.schema(
        [
            pa.field("net", pa.string(), nullable=False),
            pa.field("seed", pa.int32(), nullable=False),
            pa.field("attack", pa.string(), nullable=False),
            pa.field("dataset", pa.string(), nullable=False),
            pa.field("norm", pa.string()),  # the norm minimised, or of eps; null: a control
            pa.field("eps", pa.float64()),  # the radius; null: a minimal attack
            pa.field("file", pa.string(), nullable=False),
            pa.field("index", pa.int32(), nullable=False),
            pa.field("label", pa.int16(), nullable=False),
            pa.field("target", pa.int16()),  # null: any wrong class
            pa.field("prediction", pa.int16()),  # unaltered image; -1: rejected; null: not finite
            pa.field("outcome", WORD),  # null: not finite
            pa.field("confidence", pa.float64()),
            pa.field("attacked_prediction", pa.int16()),
            pa.field("attacked_outcome", WORD),
            pa.field("attacked_confidence", pa.float64()),
            pa.field("mistaken", pa.bool_(), nullable=False),  # see `threat.judge.Judgement`
            pa.field("certain", pa.bool_(), nullable=False),
            pa.field("inside", pa.bool_(), nullable=False),
            pa.field("success", pa.bool_(), nullable=False),
            # Share of a stochastic net's fresh draws in which the attack's image meets the goal;
            # more than half is a success. Null for other nets.
            pa.field("success_share", pa.float32()),
            pa.field("status", pa.string(), nullable=False),
            # Lengths are null where a minimal attack failed. L0 counts pixels, then features.
            pa.field("l0", pa.int32()),
            pa.field("l0_features", pa.int32()),
            pa.field("l1", pa.float64()),
            pa.field("l2", pa.float64()),
            pa.field("linf", pa.float64()),
            pa.field("distortion", pa.float64()),  # RMS per feature
            # The image rounded to 8 bits; null: the original is not a multiple of 1/255.
            pa.field("rounded_outcome", WORD),
            pa.field("rounded_success", pa.bool_()),
            pa.field("penalty", pa.float64()),  # c of the best solution; null: not a penalty attack
            pa.field("forwards", pa.int64(), nullable=False),
            pa.field("backwards", pa.int64(), nullable=False),
            tables.image_field(shape),
        ]
    )
