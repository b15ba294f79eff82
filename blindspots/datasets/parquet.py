"""Images and labels in Parquet files, as dataset hubs publish them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blindspots.datasets._images import decoded, same_shape
from blindspots.datasets._labels import classes_of, shares
from blindspots.files import given
from blindspots.interface import UNIT_BOX, Dataset, InputError, Part
from blindspots.limits import Count, Share

BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def parquet(
    *,
    train: str,
    test: str | None = None,
    image: str = "image",
    label: str = "label",
    size: Count | None = None,
    grey: bool = False,
    test_share: Share = 0.2,
    seed: int = 0,
) -> Dataset:
    """Encoded images (PNG, JPEG, any format that Pillow reads) in one column, labels in another.

    Labels that are integers are the classes' numbers, 0, 1, … Labels that are text become numbers
    in the alphabetical order of the training set's labels. The names of the classes are these
    texts, or those that Hugging Face's datasets keep in a file's schema. All images are held in
    memory.

    Args:
        train: file of training images, or a pattern if no file has this name, such as
            ``data/train-*.parquet`` whose files are read in the order of their names.
        test: file or pattern of test images; None: a stratified share of `train`, drawn with
            `seed`.
        image: column of images: their bytes, or structs with a field ``bytes``.
        label: column of labels: integers or text.
        size: pixels of a side, to which each image's middle square is scaled; None: images stay as
            they are, and must be of one size.
        grey: one channel instead of three.
        test_share: share of the images that becomes the test set, if `test` is None.
        seed: seed of the draw of that share.

    Returns:
        Images (n, 1 or 3, height, width) in [0, 1].

    Raises:
        InputError: no such file or column, columns of other types, images that cannot be read or
            differ in size, invalid labels, or a class without images.
    """
    rows = _read(train, image, label)
    labels, where = _numbers(rows, rows, train), f"{train}: column {label!r}"
    if test is None:
        first, second = shares(labels, test_share, seed)
        classes = classes_of(labels[first], labels[second], where)
        images = decoded(rows.images, size=size, grey=grey)
        in_training, in_test = (Part(images[some], labels[some]) for some in (first, second))
    else:
        held_out = _read(test, image, label)
        numbers = _numbers(held_out, rows, test)
        classes = classes_of(labels, numbers, where, f"{test}: column {label!r}")
        in_training = Part(decoded(rows.images, size=size, grey=grey), labels)
        in_test = Part(decoded(held_out.images, size=size, grey=grey), numbers)
        same_shape(in_training, in_test, test)
    return Dataset(in_training, in_test, classes, UNIT_BOX, _names(rows, classes))


class _Rows(NamedTuple):
    """Encoded images with their names for messages, labels (integers or text), and their names."""

    images: list[tuple[str, bytes | None]]
    labels: np.ndarray
    names: list[str] | None


def _read(pattern: str, image: str, label: str) -> _Rows:
    files = given.matching(pattern)
    if not files:
        raise InputError(
            f"{pattern}: expected a Parquet file, or a pattern of some, found none; paths are "
            "relative to the folder that you start in"
        )
    if image == label:
        raise InputError(f"data.label: expected another column than data.image, found {label!r}")
    images: list[tuple[str, bytes | None]] = []
    labels, names = [], None
    for file in files:
        table = _table(file, image, label)
        encoded = _bytes(table[image], f"{file}: column {image!r}")
        images += [(f"{file}, row {row}", source) for row, source in enumerate(encoded)]
        labels.append(_labels(table[label], f"{file}: column {label!r}"))
        if (own := _names_in(table.schema, label)) is not None:
            names = _same_names(names, own, file)
    if len({found.dtype.kind for found in labels}) > 1:
        raise InputError(f"{pattern}: expected labels of one type in all files, found several")
    return _Rows(images, np.concatenate(labels), names)


def _table(file: str, image: str, label: str) -> pa.Table:
    given.check(file, "a Parquet file")
    try:
        schema = pq.read_schema(file)
        for column in (image, label):
            if column not in schema.names:
                raise InputError(
                    f"{file}: expected a column {column!r}, found "
                    f"{given.listed(schema.names)}; name the columns by data.image and "
                    "data.label"
                )
        return pq.read_table(file, columns=[image, label], partitioning=None)
    except InputError:
        raise
    except Exception as error:  # any error of Arrow on an arbitrary file
        raise InputError(
            f"{file}: expected a whole Parquet file, found one that cannot be read "
            f"({' '.join(str(error).split())[:200]}); fetch it again"
        ) from None


def _names_in(schema: pa.Schema, label: str) -> list[str] | None:
    """Class names that Hugging Face's datasets keep for a column of labels."""
    try:
        told: Any = json.loads((schema.metadata or {})[b"huggingface"])
        names = told["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    plain = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return names if plain else None


def _same_names(names: list[str] | None, others: list[str] | None, file: str) -> list[str] | None:
    """Refuse files whose labels mean other classes than in earlier files; names are optional."""
    if names is not None and others is not None and names != others:
        raise InputError(
            f"{file}: expected a schema with the classes {given.listed(names)} as before, "
            f"found {given.listed(others)}: equal labels mean other classes; write all with "
            "one list"
        )
    return others if names is None else names


def _names(rows: _Rows, classes: int) -> list[str] | None:
    """Names of the classes: the texts of their labels, or those of the schema if it names all."""
    if rows.labels.dtype.kind == "O":
        return list(np.unique(rows.labels))
    return rows.names[:classes] if rows.names and len(rows.names) >= classes else None


def _bytes(column: pa.ChunkedArray, where: str) -> list[bytes | None]:
    kind = column.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        column = pc.struct_field(column, "bytes")
    if not any(is_some(column.type) for is_some in BINARY):
        raise InputError(
            f"{where}: expected bytes, or structs with a field bytes, found {kind}; name the "
            "column of images by data.image"
        )
    return column.to_pylist()


def _labels(column: pa.ChunkedArray, where: str) -> np.ndarray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not pa.types.is_integer(kind) and not any(is_some(kind) for is_some in TEXT):
        raise InputError(
            f"{where}: expected integers or text, found {kind}; name the column of labels by "
            "data.label"
        )
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise InputError(f"{where}, row {row}: expected a label, found none; remove the row")
    if pa.types.is_integer(kind):
        return column.to_numpy().astype(np.int64)
    return np.array(column.to_pylist(), dtype=object)  # not padded to one length


def _numbers(rows: _Rows, training: _Rows, where: str) -> np.ndarray:
    """Integers as they are; text in the alphabetical order of the training set's labels."""
    if rows.labels.dtype.kind != training.labels.dtype.kind:
        raise InputError(f"{where}: expected labels of one type in training and test, found two")
    if rows.labels.dtype.kind == "i":
        _same_names(training.names, rows.names, where)
        return rows.labels
    names = np.unique(training.labels)
    odd = sorted(set(rows.labels) - set(names))
    if odd:
        raise InputError(
            f"{where}: expected test labels that training images have, found {odd[0]!r}; "
            "remove these images, or add some of this class to the training set"
        )
    return np.searchsorted(names, rows.labels)
