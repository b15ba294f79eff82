"""Tables of pictures, and their images as PNGs in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from PIL import Image

from blindspots.files import tables

ORIGIN = ("source", "attack", "eps", "amplified_to")
"""Columns that identify how an image was made: source, attack, radius, amplification."""

IMAGE = ("dataset", "file", "index")
"""Columns that identify the unaltered image."""


class Pictures:
    """The rows of one seed of a table of pictures.

    Attributes:
        rows: the rows without their images.
        originals: (n, *image) float32.
        images: (n, *image) float32, the perturbed images.
        range: range of the originals' pixels.
        bytes_each: bytes of a row's three pictures, before compression.
        origins: positions of the rows of each origin.
    """

    def __init__(self, path: str | Path, seed: int) -> None:
        table = tables.read(path)
        table = table.filter(pc.equal(table["seed"], seed)).combine_chunks()
        self.originals = tables.images(table, "original")
        self.images = tables.images(table)
        self.rows = table.drop_columns(["original", "image"]).to_pylist()
        self.range = (0.0, 1.0)
        if self.rows:
            self.range = float(self.originals.min()), float(self.originals.max())
        self.bytes_each = 3 * int(np.prod(self.originals.shape[1:]))
        self.origins: dict[tuple, list[int]] = {}
        for place, row in enumerate(self.rows):
            self.origins.setdefault(values(row, ORIGIN), []).append(place)

    def first(self, n: int) -> Iterator[list[int]]:
        """Iterate over the origins: the positions of the first n rows of each."""
        return (places[:n] for places in self.origins.values())

    def key(self, place: int) -> tuple:
        """Return the columns `IMAGE` of a row."""
        return values(self.rows[place], IMAGE)


def png(image: np.ndarray, low: float, high: float) -> str:
    """Return an image (channels, height, width) as a PNG in a data URI, from `low` to `high`.

    `low` is black, `high` white. Three channels are colours; any other number is averaged to grey.
    A vector becomes one row.
    """
    if image.ndim < 3:
        image = image.reshape(1, -1, image.shape[-1])
    scaled = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    grey = scaled.mean(axis=0) if len(image) != 3 else scaled.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.round(255 * grey).astype(np.uint8)).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def values(row: Mapping[str, Any], names: Sequence[str]) -> tuple:
    """Return a row's values in these columns, in this order."""
    return tuple(row[name] for name in names)
