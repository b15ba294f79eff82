"""The images of a part of a split, such as the first 256 test images in the split's order.

They are addressed by row and read on demand, so that a job's memory depends on its chunk, not on
the dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from blindspots.files import boxes, splits, tables
from blindspots.files.rows import Rows
from blindspots.interface import Box, InputError


@dataclass(frozen=True, eq=False)
class Deferred:
    """Images that are made, or read, on demand: indexing returns some of them as a tensor.

    Trainers may get this instead of a tensor: it has the same `len`, `shape`, `device` and `split`.

    Attributes:
        make: maps places (k,) to images (k, *image), each independent of the others.
        places: (n,) places of these images, arguments of `make`.
        image: shape of an image.
        device: device of the images that `make` returns.
    """

    make: Callable[[np.ndarray], Tensor]
    places: np.ndarray
    image: tuple[int, ...]
    device: torch.device

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, *image)."""
        return (len(self), *self.image)

    def split(self, size: int) -> Batches:
        """Return the whole in parts of `size` images, each made whenever it is iterated over."""
        return Batches(self, size)

    def __getitem__(self, at: Tensor | slice) -> Tensor:
        return self.make(self.places[at.cpu().numpy() if isinstance(at, Tensor) else at])

    def at(self, at: slice | np.ndarray) -> Deferred:
        """Select the images at some positions, without making them."""
        return replace(self, places=self.places[at])


@dataclass(frozen=True, eq=False)
class Batches:
    """Deferred images in batches, as `torch.Tensor.split` has those of a tensor.

    Attributes:
        whole: all images.
        size: number of images in a part; the last one may be smaller.
    """

    whole: Deferred
    size: int

    def __len__(self) -> int:
        return -(-len(self.whole) // self.size)

    def __iter__(self) -> Iterator[Tensor]:
        return (self.whole[i : i + self.size] for i in range(0, len(self.whole), self.size))


Stack = Tensor | Deferred
"""Images (n, *image), in memory or made on demand; `len` is their number, indexing reads some."""


def some(stack: Stack, at: slice | np.ndarray) -> Stack:
    """Select the images at some positions; a deferred stack stays deferred."""
    return stack.at(at) if isinstance(stack, Deferred) else stack[at]


def held(stack: Stack, most: float = inf) -> Stack:
    """Read a stack into memory if it takes at most `most` bytes; otherwise return it as it is."""
    return stack[:] if 4 * prod(stack.shape) <= most else stack


class Budget:
    """Bytes of images that a job may still hold, shared by all that it reads."""

    def __init__(self, most: float) -> None:
        self.left = most

    def held(self, stack: Stack) -> Stack:
        """A stack in memory, if that is still within the budget."""
        stack = held(stack, self.left)
        self.left -= 4 * stack.numel() if isinstance(stack, Tensor) else 0
        return stack


def joined(*stacks: Stack) -> Stack:
    """Join stacks of images of one shape; in memory if all of them are, as a copy."""
    if all(isinstance(stack, Tensor) for stack in stacks):
        return torch.cat([stack[:] for stack in stacks])
    device, shape = stacks[0].device, tuple(stacks[0].shape[1:])
    ends = np.cumsum([len(stack) for stack in stacks])

    def make(places: np.ndarray) -> Tensor:
        found = torch.empty((len(places), *shape), device=device)
        of = np.searchsorted(ends, places, side="right")
        for number in np.unique(of):
            at, stack = np.flatnonzero(of == number), stacks[number]
            inside = places[at] - (ends[number] - len(stack))
            found[torch.from_numpy(at)] = stack[torch.from_numpy(inside)]
        return found

    return Deferred(make, np.arange(ends[-1]), shape, device)


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one part, on a device; `len` is their number.

    Attributes:
        stack: (n, *image) float32, in memory or read on demand.
        labels: (n,) int64.
        rows: (n,) row of each image in the prepared file.
        file: "train" or "test", the prepared file.
        classes: number of classes of the dataset.
        box: the images' box: two numbers, or two tensors (*image).
        dataset: name of the dataset in the config.
    """

    stack: Stack
    labels: Tensor
    rows: np.ndarray
    file: str
    classes: int
    box: Box
    dataset: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def images(self) -> Tensor:
        """Images (n, *image), read at once and kept."""
        return self.stack[:]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image."""
        return tuple(self.stack.shape[1:])

    def first(self, n: int | None) -> Images:
        """Select the first n images; None: all."""
        return self.at(slice(n))

    def at(self, at: slice | np.ndarray) -> Images:
        """Select the images at some positions, without reading them."""
        stack = some(self.stack, at)
        return replace(self, stack=stack, labels=self.labels[at], rows=self.rows[at])

    def chunks(self, size: int) -> Iterator[Images]:
        """Iterate over all images, `size` at a time in memory."""
        return (self.at(slice(i, i + size)).held() for i in range(0, len(self), size))

    def held(self, most: float = inf) -> Images:
        """Return the same images, in memory if they take at most `most` bytes."""
        return replace(self, stack=held(self.stack, most))


def file_of(part: str) -> str:
    """Return the prepared file, "train" or "test", that has a part's images."""
    return "test" if part == "test" else "train"


def read(
    prepared: str | Path,
    split: str | Path,
    part: str,
    n: int | None = None,
    device: torch.device | str = "cpu",
) -> Images:
    """Return the first n images of a part, all by default; they are read on demand.

    Args:
        prepared: path of the dataset's file that has the part (see `file_of`).
        split: path of the split's index.
        part: a part of the split.
        n: number of images.
        device: device of the tensors.

    Raises:
        InputError: a damaged file, or fewer than n images in the part. Reading raises it for a
            changed image.
    """
    columns = ["index", "label", "sha256", splits.column_of(part)]
    rows = splits.rows_of(tables.read(split, columns), part)
    if n is not None and len(rows) < n:
        raise InputError(
            f"config: expected n to be at most {len(rows)}, the images in part {part!r}, "
            f"found {n}; lower n or enlarge the part under splits"
        )
    rows = rows.slice(0, n)
    return _images(prepared, rows["index"].to_numpy(), rows, file_of(part), device)


def whole(prepared: str | Path, file: str, device: torch.device | str = "cpu") -> Images:
    """Return all images of a prepared file, in its order; they are read on demand.

    Args:
        prepared: path of the file.
        file: "train" or "test".
        device: device of the tensors.

    Raises:
        InputError: the errors of `read`.
    """
    known = tables.read(prepared, ["label", "sha256"])
    return _images(prepared, np.arange(len(known)), known, file, device)


def described(prepared: str | Path) -> dict[str, Any]:
    """Return what a prepared file says of all its images: `shape`, `classes`, `box`, `dataset`.

    With the split, which has the SHA-256 and label of each image, and which `read` compares with
    what it reads, this identifies the images without reading them.
    """
    schema = tables.schema_of(prepared)
    said = tables.metadata(schema)
    shape = list(schema.field("image").type.shape)
    return {"shape": shape} | {name: said[name] for name in ("classes", "box", "dataset")}


def _images(
    prepared: str | Path, rows: np.ndarray, known: pa.Table, file: str, device: torch.device | str
) -> Images:
    """Return images of a prepared file; reading compares them with the known hashes and labels."""
    stored = Rows(prepared)
    labels, sums = known["label"].to_numpy(), known["sha256"].combine_chunks()

    def make(places: np.ndarray) -> Tensor:
        found = np.empty((len(places), *shape), np.float32)
        for at, table in stored.by_group(rows[places]):
            pixels, of = tables.images(table), places[at]
            found[at] = pixels
            for column, values, expected in (
                ("sha256", splits.fingerprints(pixels), sums.take(pa.array(of)).to_pylist()),
                ("label", table["label"].to_pylist(), labels[of].tolist()),
            ):
                _check(prepared, rows[of], column, values, expected)
        return torch.from_numpy(found).to(device)

    shape = tuple(stored.schema.field("image").type.shape)
    given = torch.from_numpy(labels.astype(np.int64)).to(device)
    said = tables.metadata(stored.schema)
    return Images(
        Deferred(make, np.arange(len(rows)), shape, given.device),
        given,
        rows,
        file,
        said["classes"],
        box_on(boxes.decoded(said["box"]), device),
        said["dataset"],
    )


def box_on(box: Box, device: torch.device | str) -> Box:
    """Return a box of two numbers unchanged, any other as two tensors on a device."""
    if all(np.ndim(end) == 0 for end in box):
        return box
    return Box(*(torch.as_tensor(end, dtype=torch.float32, device=device) for end in box))


def _check(
    prepared: str | Path, rows: np.ndarray, column: str, found: list[Any], expected: list[Any]
) -> None:
    """Refuse images of a prepared file that have changed."""
    for row, one, other in zip(rows, found, expected, strict=True):
        if one != other:
            raise InputError(
                f"{prepared}: row {row}: expected an image with {column} {other}, "
                f"found {one}; the file was changed: delete it and run the workflow again"
            )
