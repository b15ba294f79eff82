"""The prepared form of a dataset: one Parquet file each for its training and its test images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from blindspots import tables
from blindspots.interface import Box, Part
from blindspots.splits import fingerprints


def schema(shape: Sequence[int]) -> pa.Schema:
    """Columns of a prepared file whose images have this shape."""
    return pa.schema(
        [
            pa.field("label", pa.int16(), nullable=False),
            pa.field("sha256", pa.string(), nullable=False),
            tables.image_field(shape),
        ]
    )


def write(path: str | Path, part: Part, classes: int, box: Box, provenance: dict) -> None:
    """Write images, labels and checksums, with the number of classes and the box as metadata."""
    columns = {"label": part.labels, "sha256": fingerprints(part.images), "image": part.images}
    table = tables.build(columns, schema(part.images.shape[1:]))
    tables.write(path, table, provenance | {"classes": classes, "box": list(box)})
