"""The prepared form of a dataset: one Parquet file each for its training and its test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from blindspots.datasets._images import same_shape
from blindspots.files import boxes, tables
from blindspots.files.parquet import writing
from blindspots.files.splits import fingerprints
from blindspots.interface import Box, Dataset, InputError, Part

GROUP, CHUNK = 2**17, 1024
"""Bytes of images in a row group, the least that is read for a few images; and number of images
that are checked at a time."""


def schema(shape: Sequence[int]) -> pa.Schema:
    """Columns of a prepared file whose images have this shape."""
    return pa.schema(
        [
            pa.field("label", pa.int16(), nullable=False),
            pa.field("sha256", pa.string(), nullable=False),
            tables.image_field(shape),
        ]
    )


def checked(found: Any, method: str) -> Dataset:
    """Check what a dataset's method returned against the contract.

    Raises:
        InputError: names the method, what was expected and what was found.
    """
    if not isinstance(found, Dataset):
        raise InputError(
            f"{method}: expected it to return a blindspots.interface.Dataset, found "
            f"{type(found).__name__}"
        )
    for part in ("train", "test"):
        for name, array in getattr(found, part)._asdict().items():
            kind = {"images": np.float32, "labels": np.int64}[name]
            if not isinstance(array, np.ndarray) or array.dtype != kind or not len(array):
                raise InputError(
                    f"{method}: {part}.{name}: expected an array of {kind.__name__} with a row per "
                    f"image, found {type(array).__name__} of {getattr(array, 'dtype', 'objects')} "
                    f"and shape {getattr(array, 'shape', 'unknown')}; convert it"
                )
    same_shape(found.train, found.test, f"{method}: test")
    found = replace(found, box=boxes.checked(found.box, found.train.images.shape[1:], method))
    if found.names is not None and not _names_all(found):
        raise InputError(
            f"{method}: names: expected a list with the name of each of {found.classes} classes, "
            f"as text, found {ascii(found.names)[:100]}; rename the classes"
        )
    return found


def _names_all(found: Dataset) -> bool:
    names = found.names
    if not isinstance(names, list | tuple) or len(names) != found.classes:
        return False
    return all(isinstance(name, str) and _is_text(name) for name in names)


def _is_text(name: str) -> bool:
    """Return whether a name can be encoded, which is not true of every file name."""
    return name == name.encode("utf-8", "replace").decode()


def write(
    path: str | Path,
    part: Part,
    classes: int,
    box: Box,
    provenance: Mapping[str, Any],
    names: Sequence[str] | None = None,
    *,
    dataset: str = "",
) -> pa.Table:
    """Write images, labels and checksums; classes, their names, the box and more are metadata.

    Args:
        path: path of the file.
        part: images and labels.
        classes: number of labels.
        box: the box that contains the images.
        provenance: metadata.
        names: names of the classes; None: they have none.
        dataset: name of the dataset in the config.

    Returns:
        The table that was written, without the images.

    Raises:
        InputError: labels or pixels that contradict what the dataset states.
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
    named = {} if names is None else {"names": list(names)}
    said = {"dataset": dataset, "classes": classes, "box": boxes.encoded(box)}
    columns, known = schema(part.images.shape[1:]), []
    with writing(path, columns, {**provenance, **said, **named}, group=GROUP) as append:
        for first in range(0, len(part.labels), CHUNK):
            images, labels = (array[first : first + CHUNK] for array in part)
            if not (boxes.contains(box, images).all() and np.isfinite(images).all()):
                raise InputError(
                    f"dataset: expected pixels in {boxes.shown(box)}, found others, or no numbers"
                )
            found = {"label": labels, "sha256": fingerprints(images), "image": images}
            table = tables.build(found, columns)
            append(table)
            known.append(table.drop_columns(["image"]))
    return pa.concat_tables(known)
