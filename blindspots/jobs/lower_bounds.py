"""Convert certified radii to lower bounds in every norm, by `threat.conversions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from blindspots.files import boxes, tables
from blindspots.files.rows import Rows
from blindspots.threat.conversions import COUNTS, ORDER, converted, fewest

PLACE = ["dataset", "seed", "file"]
"""Columns that identify a prepared file; derived datasets have one per seed."""
Place = tuple[str, int, str]
NORMS = (COUNTS[0], COUNTS[1], "l1", "l2", "linf")
CHUNK = 256
"""Images whose features are in memory at a time."""


class Prepared:
    """The unaltered images of a prepared file, read a few at a time."""

    def __init__(self, path: str | Path) -> None:
        self._rows = Rows(path, ["image"])
        self.shape: tuple[int, ...] = tuple(self._rows.schema.field("image").type.shape)
        self.box = boxes.decoded(tables.metadata(self._rows.schema)["box"])

    def reach(self, index: np.ndarray) -> np.ndarray:
        """Return the largest change of each feature within the box, (n, *image) float64."""
        images = self._rows.images(index).astype(float)
        return np.maximum(images - self.box.lower, self.box.upper - images)


def lower_bounds(
    certificates: pd.DataFrame,
    image: np.ndarray,
    images: pd.DataFrame,
    prepared: Mapping[Place, Prepared],
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Return the lower bounds (k,) of certificates in each norm.

    Args:
        certificates: certificates of balls, k rows with `certificates.table.SCHEMA`.
        image: (k,) row of `images` of each certificate.
        images: n rows of columns that identify an image.
        prepared: the unaltered images of each prepared file, by the values of `PLACE`.

    Yields:
        A norm; whether it applies to each image, (n,) bool, since the count of features applies
        only to images with channels; and the bounds, NaN where the certificate implies none.
    """
    keys = list(images[PLACE].itertuples(index=False, name=None))
    shapes = {key: of.shape for key, of in prepared.items()}
    features = np.array([int(np.prod(shapes[key])) for key in keys], int)
    channels = np.array([shapes[key][0] if len(shapes[key]) > 1 else 1 for key in keys], int)
    radius = certificates["radius"].to_numpy(float, na_value=np.nan)
    norms = certificates["norm"].to_numpy(object)
    counts = _counts(radius, norms, image, images, prepared)
    for norm in NORMS:
        lower = counts.get(norm, np.full(len(radius), np.nan)).copy()
        for proved in np.unique(norms.astype(str)):
            for m in np.unique(features[image[norms == proved]]):
                at = (norms == proved) & (features[image] == m)
                if norm not in COUNTS or proved == COUNTS[0]:
                    lower[at] = converted(radius[at], proved, norm, int(m))
        yield norm, (channels > 1) | (norm != COUNTS[1]), lower


def _counts(
    radius: np.ndarray,
    norms: np.ndarray,
    image: np.ndarray,
    images: pd.DataFrame,
    prepared: Mapping[Place, Prepared],
) -> dict[str, np.ndarray]:
    """Return the least number of pixels, and of features, that must change to reach each radius."""
    found = {norm: np.full(len(radius), np.nan) for norm in COUNTS}
    rows = np.flatnonzero(np.isin(norms.astype(str), ORDER) & ~np.isnan(radius))
    if len(rows) == 0:
        return found
    wanted = images.iloc[image[rows]].assign(row=rows)
    for key, part in wanted.groupby(PLACE, sort=False):
        distinct = np.unique(part["index"].to_numpy())
        for first in range(0, len(distinct), CHUNK):
            some = distinct[first : first + CHUNK]
            reach = prepared[key].reach(some)
            here = part[part["index"].isin(some)]
            for norm in ORDER:
                at = here["row"].to_numpy()[norms[here["row"]] == norm]
                for begin in range(0, len(at), CHUNK):
                    few = at[begin : begin + CHUNK]
                    place = np.searchsorted(some, images["index"].to_numpy()[image[few]])
                    moved = reach[place]
                    pixels = moved.reshape(len(few), moved.shape[1] if moved.ndim > 2 else 1, -1)
                    found[COUNTS[0]][few] = fewest(radius[few], norm, pixels)
                    each = moved.reshape(len(few), 1, -1)
                    found[COUNTS[1]][few] = fewest(radius[few], norm, each)
    return found
