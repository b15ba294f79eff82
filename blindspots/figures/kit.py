"""Style and saving of figures: the same bytes for the same data."""

from __future__ import annotations

from collections.abc import Iterator
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
    "text.parse_math": False,  # a label is text, whatever dollars it holds
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "legend.edgecolor": "white",
    "legend.framealpha": 0.9,
}


def picture(image: np.ndarray) -> np.ndarray:
    """An image as (channels, height, width); a vector is one row of pixels."""
    return image if image.ndim > 2 else image.reshape(1, -1, image.shape[-1])


@contextmanager
def style() -> Iterator[None]:
    """The project's settings of matplotlib, within the block."""
    with seaborn.axes_style("whitegrid"), matplotlib.rc_context(SETTINGS):
        yield


def save(figure: Figure, path: str | Path, said: str = "", settings: str = "") -> None:
    """Write a figure as SVG without a date, and in it what it shows in words.

    Args:
        figure: to be written.
        path: path of the file.
        said: what such figures show, a sentence or more.
        settings: hash of those that it is of (see `provenance.settings_in`).

    Raises:
        InputError: something else than a figure.
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
