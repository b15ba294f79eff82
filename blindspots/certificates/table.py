"""The table of all certificates of one net: a row per certificate and image."""

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
        pa.field("status", pa.string(), nullable=False),
        pa.field("radius", pa.float64()),  # L2; null: the certificate failed
        pa.field("reason", pa.string()),  # why it does not take the net; null: it does
    ]
)


def columns(found: CertificateResult) -> dict[str, Any]:
    """The columns that a certificate fills."""
    radius = found.radius.cpu().numpy()
    return {
        "status": [Status(s).name for s in found.status.tolist()],
        "radius": np.ma.array(radius, mask=np.isnan(radius)),
        "reason": None,
    }


def left_out(reason: str) -> dict[str, Any]:
    """The same columns of a net that a certificate does not take."""
    return {"status": Status.UNSUPPORTED.name, "radius": None, "reason": reason}
