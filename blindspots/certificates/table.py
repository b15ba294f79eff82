"""The table of a certificate for one net: a row per image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from blindspots.interface import CertificateResult, Status

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("certificate", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("norm", pa.string(), nullable=False),
        pa.field("eps", pa.float64()),  # radius decided by yes or no; null: a radius was computed
        pa.field("box", pa.bool_(), nullable=False),  # whether it holds inside the box only
        pa.field("target", pa.int16()),  # the answer that it excludes; null: any wrong one
        pa.field("region", pa.string()),  # part of the ball that it holds in; null: all of it
        pa.field("status", pa.string(), nullable=False),
        pa.field("radius", pa.float64()),  # null: the certificate failed
        pa.field("reason", pa.string()),  # why it failed; null: it did not, or gives no reason
    ]
)


def columns(found: CertificateResult) -> dict[str, Any]:
    """The columns that a certificate fills."""
    radius = found.radius.cpu().numpy()
    return {
        "status": [Status(s).name for s in found.status.tolist()],
        "radius": np.ma.array(radius, mask=np.isnan(radius)),
        "reason": found.reasons,
    }


def left_out(reason: str) -> dict[str, Any]:
    """The same columns for a net that the certificate does not support."""
    return {"status": Status.UNSUPPORTED.name, "radius": None, "reason": reason}
