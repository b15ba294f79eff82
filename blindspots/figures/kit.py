"""Style and saving of figures, with the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import seaborn
from matplotlib.figure import Figure

from blindspots.figures._description import description
from blindspots.files.atomic import replacing
from blindspots.interface import InputError

SETTINGS: Any = {
    "svg.hashsalt": "blindspots",  # ids of the SVG's parts
    "svg.fonttype": "path",  # looks alike everywhere
    "text.parse_math": False,  # dollar signs in labels are text
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "legend.edgecolor": "white",
    "legend.framealpha": 0.9,
}


GAP = 2
"""Pixels between the images of a mosaic."""
ACROSS = 3
"""Largest number of panels side by side."""


def mosaic(rows: Sequence[Sequence[np.ndarray]], darkest: float, brightest: float) -> np.ndarray:
    """Arrange images in rows, for `imshow` with `darkest` as black and `brightest` as white.

    A vector becomes one row of pixels. Three channels are colours; any other number is averaged.

    Args:
        rows: images of one shape, row by row.
        darkest: value of black.
        brightest: value of white, which is between the images.

    Returns:
        (height, width) for grey images; (height, width, 3) from 0 to 1 for colours.
    """
    images = [[im if im.ndim > 2 else im.reshape(1, -1, im.shape[-1]) for im in of] for of in rows]
    channels, height, width = images[0][0].shape
    colours = 3 if channels == 3 else 1
    across = max(map(len, images))
    size = len(images) * (height + GAP) - GAP, across * (width + GAP) - GAP, colours
    canvas = np.full(size, brightest, dtype=np.float64)
    for down, of in enumerate(images):
        for place, image in enumerate(of):
            top, left = down * (height + GAP), place * (width + GAP)
            tile = image if colours == 3 else image.mean(axis=0, keepdims=True)
            canvas[top : top + height, left : left + width] = tile.transpose(1, 2, 0)
    if colours == 1:
        return canvas[..., 0]
    return np.clip((canvas - darkest) / max(brightest - darkest, 1e-12), 0, 1)


def panels(
    n: int,
    width: float,
    height: float,
    *,
    beside: float = 0.3,
    above: float = 0.9,
    sharex: bool = True,
) -> tuple[Figure, np.ndarray]:
    """Make a figure of n panels in rows of `ACROSS`; places without a panel stay empty.

    Args:
        n: number of panels.
        width: width of a panel in inches.
        height: height of a panel in inches.
        beside: inches added to the width.
        above: inches added to the height.
        sharex: whether the panels have one horizontal axis; they always have one vertical axis.

    Returns:
        The figure, and the axes of its places, at least one.
    """
    across = min(ACROSS, max(n, 1))
    down = -(-max(n, 1) // across)
    figure = Figure(figsize=(width * across + beside, height * down + above))
    axes = figure.subplots(down, across, sharex=sharex, sharey=True, squeeze=False).ravel()
    for empty in axes[n:]:
        empty.set_axis_off()
    return figure, axes


@contextmanager
def style() -> Iterator[None]:
    """Apply the project's matplotlib settings within the block."""
    with seaborn.axes_style("whitegrid"), matplotlib.rc_context(SETTINGS):
        yield


def save(figure: Figure, path: str | Path, said: str = "", settings: str = "") -> None:
    """Write a figure as SVG, without a date and with a description of what it shows.

    Args:
        figure: figure to write.
        path: path of the file.
        said: sentences that begin the description.
        settings: hash of the settings behind the figure (see `provenance.settings_in`).

    Raises:
        InputError: not a figure.
    """
    if not isinstance(figure, Figure):
        raise InputError(
            f"expected a figure's function to return a matplotlib Figure, found "
            f"{type(figure).__name__}"
        )
    words = {"Description": f"{said} {description(figure)}".strip()}
    if settings:
        words["Identifier"] = f"settings:{settings}"
    with replacing(path) as temporary:
        figure.savefig(
            temporary, format="svg", metadata={"Date": None} | words, bbox_inches="tight"
        )
