"""The prepared form of a dataset: one Parquet file each for its training and its test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from blindspots import tables
from blindspots.interface import Box, InputError, Part
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


def write(
    path: str | Path, part: Part, classes: int, box: Box, provenance: Mapping[str, Any]
) -> None:
    """Write images, labels and checksums, with the number of classes and the box as metadata.

    Raises:
        InputError: labels or pixels that are not what the dataset says of itself.
    """
    if len(part.images) != len(part.labels):
        raise InputError(
            f"dataset: expected as many images as labels, found {len(part.images)} and "
            f"{len(part.labels)}"
        )
    if len(part.labels) and not (part.labels.min() >= 0 and part.labels.max() < classes):
        raise InputError(
            f"dataset: expected labels from 0 to {classes - 1}, found {part.labels.min()} to "
            f"{part.labels.max()}"
        )
    if not ((part.images >= box.lower) & (part.images <= box.upper)).all():
        raise InputError(f"dataset: expected pixels in {list(box)}, found others, or no numbers")
    columns = {"label": part.labels, "sha256": fingerprints(part.images), "image": part.images}
    table = tables.build(columns, schema(part.images.shape[1:]))
    tables.write(path, table, {**provenance, "classes": classes, "box": list(box)})
