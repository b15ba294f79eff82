"""Nearest training image of each other class: how far an image is from what looks like another.

A perturbation of half that distance is as near to the original as to any image of the class, so a
shorter one has not turned the image into one of that class.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.measurements.contract import measurement

NEIGHBOURS = pa.schema(
    [
        pa.field("experiment", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("label", pa.int16(), nullable=False),
        pa.field("other", pa.int16(), nullable=False),  # class of the neighbour
        pa.field("neighbour", pa.int32(), nullable=False),  # row of it in the training file
        pa.field("distance", pa.float64(), nullable=False),  # RMS per feature
    ]
)
"""Nearest training images: a row per image and class other than its own that has any."""


@measurement(
    "experiment",
    tables=("neighbours",),
    memory=lambda n, pixels, classes, chunk: (
        3000 + (16 * n * classes + 40 * chunk * (pixels + chunk)) / 1e6
    ),
    rows=lambda images, settings: images,
)
def neighbours(
    experiment: str,
    seed: int,
    data: Images,
    train: Callable[[int | None], Images],
    chunk: int,
    progress: Callable[[int], None] | None = None,
) -> pa.Table:
    """Find the nearest training image of each class other than an image's own, in L2.

    The search is exact: products of matrices in float64 leave the images that rounding could have
    made the nearest, whose distances are measured again. Of equal images the first in the dataset's
    file counts.

    Args:
        experiment: name of the experiment.
        seed: seed of the split.
        data: the images.
        train: function that returns the first images of the training part; all for None.
        chunk: images at a time.
        progress: called with the number of training images that are done.

    Returns:
        A table with `NEIGHBOURS`.
    """
    found = _Nearest(len(data), data.classes)
    known, done = train(None), 0
    for block in known.chunks(chunk):
        first = 0
        for part in data.chunks(chunk):
            found.see(first, part, block)
            first += len(part)
        done += len(block)
        if progress is not None:
            progress(done)
    labels = data.labels.cpu().numpy()
    there = np.isfinite(found.squared) & (np.arange(data.classes) != labels[:, None])
    at, other = np.nonzero(there)
    columns = {
        "experiment": experiment,
        "seed": seed,
        "dataset": data.dataset,
        "file": data.file,
        "index": data.rows[at],
        "label": labels[at],
        "other": other,
        "neighbour": found.rows[at, other],
        "distance": np.sqrt(found.squared[at, other] / np.prod(data.shape)),
    }
    return tables.build(columns, NEIGHBOURS)


class _Nearest:
    """Nearest training image of each class so far.

    Attributes:
        squared: (n, classes) squared L2 distance; infinite: none yet.
        rows: (n, classes) row of the image in its file.
    """

    def __init__(self, n: int, classes: int) -> None:
        self.squared = np.full((n, classes), np.inf)
        self.rows = np.full((n, classes), -1)

    def see(self, first: int, part: Images, block: Images) -> None:
        """Compare images, from number `first` on, with a block of training images."""
        images, others = (of.images.flatten(1).double() for of in (part, block))
        screened = _squared(images, others)
        reach = images.norm(dim=1).max() + others.norm(dim=1).max()
        slack = 4 * images.shape[1] * torch.finfo(torch.float64).eps * reach**2
        for label in block.labels.unique():
            of_class = (block.labels == label).nonzero()[:, 0]
            near = screened[:, of_class]
            near = near <= near.amin(dim=1, keepdim=True) + slack
            at, column = near.nonzero(as_tuple=True)
            chosen = of_class[column]
            exact = (images[at] - others[chosen]).square().sum(dim=1)
            rows = block.rows[chosen.cpu().numpy()]
            self._keep(first + at.cpu().numpy(), int(label), exact.cpu().numpy(), rows)

    def _keep(self, at: np.ndarray, label: int, squared: np.ndarray, rows: np.ndarray) -> None:
        """Keep the nearest candidates of a class, and of equally near ones the first of the file.

        Args:
            at: (k,) number of the image that each candidate is near to.
            label: class of the candidates.
            squared: (k,) squared distances.
            rows: (k,) rows of the candidates in their file.
        """
        order = np.lexsort((rows, squared, at))
        at, best = np.unique(at[order], return_index=True)
        squared, rows = squared[order][best], rows[order][best]
        known, row = self.squared[at, label], self.rows[at, label]
        nearer = (squared < known) | ((squared == known) & (rows < row))
        self.squared[at[nearer], label] = squared[nearer]
        self.rows[at[nearer], label] = rows[nearer]


def _squared(images: Tensor, others: Tensor) -> Tensor:
    """Squared L2 distances (n, k) up to rounding, of images (n, pixels) and others (k, pixels)."""
    lengths = (of.square().sum(dim=1) for of in (images, others))
    first, second = lengths
    return first[:, None] + second - 2 * images @ others.T
