"""Images and labels in Parquet files, as dataset hubs publish them."""

from __future__ import annotations

import glob
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blindspots.datasets._images import decoded, same_shape
from blindspots.datasets._labels import classes_of, shares
from blindspots.interface import UNIT_BOX, Dataset, InputError, Part


def parquet(
    *,
    train: str,
    test: str | None = None,
    image: str = "image",
    label: str = "label",
    size: int | None = None,
    grey: bool = False,
    test_share: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """Encoded images (PNG, JPEG, any format that Pillow reads) in a column, labels in another.

    Labels that are integers are the classes' numbers, 0, 1, … Labels that are text become numbers
    in the alphabetical order of the training set's labels. All images are held in memory.

    Args:
        train: file, or a pattern such as ``data/train-*.parquet`` whose files are read in the order
            of their names.
        test: likewise; None: a stratified share of `train`, drawn with `seed`.
        image: column of images: their bytes, or structs with a field ``bytes``.
        label: column of labels: integers or text.
        size: pixels of a side, to which each image's middle square is scaled; None: images stay as
            they are, and must be of one size.
        grey: one channel, not three.
        test_share: where `test` is None.
        seed: of that share.

    Returns:
        Images (n, 1 or 3, height, width) in [0, 1].

    Raises:
        InputError: no such file or column, columns of other types, images that cannot be read or
            differ in size, labels that are none, or a class without images.
    """
    rows = _read(train, image, label)
    labels, where = _numbers(rows, rows, train), f"{train}: column {label!r}"
    if test is None:
        first, second = shares(labels, test_share, seed)
        classes = classes_of(labels[first], labels[second], where)
        images = decoded(rows.images, size=size, grey=grey)
        in_training, in_test = (Part(images[some], labels[some]) for some in (first, second))
        return Dataset(in_training, in_test, classes, UNIT_BOX)
    held_out = _read(test, image, label)
    numbers = _numbers(held_out, rows, test)
    classes = classes_of(labels, numbers, where)
    in_training = Part(decoded(rows.images, size=size, grey=grey), labels)
    in_test = Part(decoded(held_out.images, size=size, grey=grey), numbers)
    same_shape(in_training, in_test, test)
    return Dataset(in_training, in_test, classes, UNIT_BOX)


class _Rows(NamedTuple):
    """Encoded images with their names for messages, and labels: integers or text."""

    images: list[tuple[str, bytes | None]]
    labels: np.ndarray


def _read(pattern: str, image: str, label: str) -> _Rows:
    files = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (of absolute patterns, too)
    if not files:
        raise InputError(
            f"{pattern}: expected a Parquet file, or a pattern of some, found none; paths are "
            "relative to the folder that you start in"
        )
    if image == label:
        raise InputError(f"data.label: expected another column than data.image, found {label!r}")
    images: list[tuple[str, bytes | None]] = []
    labels = []
    for file in files:
        try:
            schema = pq.read_schema(file)
            for column in (image, label):
                if column not in schema.names:
                    raise InputError(
                        f"{file}: expected a column {column!r}, found {', '.join(schema.names)}; "
                        "name the columns by data.image and data.label"
                    )
            table = pq.read_table(file, columns=[image, label], partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{file}: expected a whole Parquet file, found one that cannot be read "
                f"({str(error).splitlines()[0]}); fetch it again"
            ) from None
        encoded = _bytes(table[image], f"{file}: column {image!r}")
        images += [(f"{file}, row {row}", source) for row, source in enumerate(encoded)]
        labels.append(_labels(table[label], f"{file}: column {label!r}"))
    if len({found.dtype.kind for found in labels}) > 1:
        raise InputError(f"{pattern}: expected labels of one type in all files, found several")
    return _Rows(images, np.concatenate(labels))


def _bytes(column: pa.ChunkedArray, where: str) -> list[bytes | None]:
    kind = column.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        column = pc.struct_field(column, "bytes")
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise InputError(
            f"{where}: expected bytes, or structs with a field bytes, found {kind}; name the "
            "column of images by data.image"
        )
    return column.to_pylist()


def _labels(column: pa.ChunkedArray, where: str) -> np.ndarray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not (
        pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    ):
        raise InputError(
            f"{where}: expected integers or text, found {kind}; name the column of labels by "
            "data.label"
        )
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise InputError(f"{where}, row {row}: expected a label, found none; remove the row")
    if pa.types.is_integer(kind):
        return column.to_numpy().astype(np.int64)
    return np.array(column.to_pylist(), dtype=str)


def _numbers(rows: _Rows, training: _Rows, where: str) -> np.ndarray:
    """Integers as they are; text in the alphabetical order of the training set's labels."""
    if rows.labels.dtype.kind != training.labels.dtype.kind:
        raise InputError(f"{where}: expected labels of one type in training and test, found two")
    if rows.labels.dtype.kind == "i":
        return rows.labels
    names = np.unique(training.labels)
    odd = sorted(set(rows.labels) - set(names))
    if odd:
        raise InputError(
            f"{where}: expected test labels that training images have, found {str(odd[0])!r}; "
            "remove these images, or add some of this class to the training set"
        )
    return np.searchsorted(names, rows.labels)
