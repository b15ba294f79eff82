"""The images of a part of a split, such as the first 256 test images in the split's order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from blindspots.files import boxes, splits, tables
from blindspots.interface import Box, InputError


class Images(NamedTuple):
    """Images of one part, on the device asked for.

    Attributes:
        images: (n, *image) float32.
        labels: (n,) int64.
        rows: (n,) place of each in the prepared file.
        file: "train" or "test", the prepared file.
        classes: number of labels of the dataset.
        box: that they lie in; two numbers, or two tensors that stand for (*image).
        dataset: its name in the config.
    """

    images: Tensor
    labels: Tensor
    rows: np.ndarray
    file: str
    classes: int
    box: Box
    dataset: str = ""

    def first(self, n: int) -> Images:
        """The first n of them."""
        return self.at(slice(n))

    def chunks(self, size: int) -> Iterator[Images]:
        """Iterate over all images, `size` at a time."""
        return (self.at(slice(i, i + size)) for i in range(0, len(self.images), size))

    def at(self, at: slice | np.ndarray) -> Images:
        """Select the images at some positions."""
        return self._replace(images=self.images[at], labels=self.labels[at], rows=self.rows[at])


def file_of(part: str) -> str:
    """The prepared file, "train" or "test", that a part's images are in."""
    return "test" if part == "test" else "train"


def read(
    prepared: str | Path,
    split: str | Path,
    part: str,
    n: int | None = None,
    device: torch.device | str = "cpu",
) -> Images:
    """Read the first n images of a part, all by default.

    Args:
        prepared: the dataset's file that holds the part (see `file_of`).
        split: the split's index.
        part: a key of `splits.SUBSETS`.
        n: how many images.
        device: where the tensors go.

    Raises:
        InputError: a damaged file, or fewer than n images in the part.
    """
    rows = splits.rows_of(tables.read(split), part)
    if n is not None and len(rows) < n:
        raise InputError(
            f"config: expected n to be at most {len(rows)}, the images in part {part!r}, "
            f"found {n}; lower n or enlarge the part under splits"
        )
    places = rows["index"].to_numpy()[:n]
    data = tables.rows(prepared, places)
    check(prepared, data, places, rows.slice(0, n))
    return _images(data, places, file_of(part), device)


def whole(prepared: str | Path, file: str, device: torch.device | str = "cpu") -> Images:
    """Read all images of a prepared file, in its order.

    Args:
        prepared: the file.
        file: "train" or "test".
        device: where the tensors go.

    Raises:
        InputError: a damaged file.
    """
    data = tables.read(prepared)
    places = np.arange(len(data))
    check(prepared, data, places)
    return _images(data, places, file, device)


def _images(data: pa.Table, places: np.ndarray, file: str, device: torch.device | str) -> Images:
    properties = tables.metadata(data)
    return Images(
        torch.from_numpy(tables.images(data)).to(device),
        torch.from_numpy(data["label"].to_numpy().astype(np.int64)).to(device),
        places,
        file,
        properties["classes"],
        _on(boxes.decoded(properties["box"]), device),
        properties["dataset"],
    )


def _on(box: Box, device: torch.device | str) -> Box:
    """A box of two numbers as it is, any other as two tensors on a device."""
    if all(np.ndim(end) == 0 for end in box):
        return box
    return Box(*(torch.as_tensor(end, dtype=torch.float32, device=device) for end in box))


def check(
    prepared: str | Path, data: pa.Table, places: np.ndarray, split: pa.Table | None = None
) -> None:
    """Refuse images of a prepared file that are not those that it was made of.

    Args:
        prepared: the file.
        data: rows of it.
        places: (n,) of these rows in the file.
        split: the same rows of a split's index, which knows each image and its label.

    Raises:
        InputError: names the first row that was changed.
    """
    known = data if split is None else split
    for column, found in (
        ("sha256", splits.fingerprints(tables.images(data))),
        ("label", data["label"].to_pylist()),
    ):
        expected = known[column].to_pylist()
        if found != expected:
            at = next(
                i for i, pair in enumerate(zip(found, expected, strict=True)) if len({*pair}) > 1
            )
            raise InputError(
                f"{prepared}: row {places[at]}: expected an image with {column} {expected[at]}, "
                f"found {found[at]}; the file was changed: delete it and run the workflow again"
            )
