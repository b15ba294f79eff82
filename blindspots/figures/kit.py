"""Style and saving of figures, with the same bytes for the same data."""

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
    "text.parse_math": False,  # dollar signs in labels are text
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 11,
    "legend.edgecolor": "white",
    "legend.framealpha": 0.9,
}


def picture(image: np.ndarray) -> np.ndarray:
    """Return an image as (channels, height, width); a vector becomes one row of pixels."""
    return image if image.ndim > 2 else image.reshape(1, -1, image.shape[-1])


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
