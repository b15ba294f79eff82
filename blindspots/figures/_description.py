"""Text description of a figure, read off its parts, for readers who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure


def description(figure: Figure) -> str:
    """Describe a figure's panels, axes with the range of the data, and legend in sentences."""
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    drawn = [axes for axes in panels if axes.axison]
    sentences = [*_titles(panels), *_axes(figure, drawn), *_cells(drawn), *_legend(figure, drawn)]
    return " ".join(f"{sentence}." for sentence in sentences)


def _titles(panels: list[Axes]) -> Iterator[str]:
    titles = [" ".join(axes.get_title().split()) for axes in panels if axes.get_title()]
    if titles:
        yield f"{'Panels' if len(titles) > 1 else 'Panel'}: {'; '.join(titles)}"


def _axes(figure: Figure, drawn: list[Axes]) -> Iterator[str]:
    for name, place in (("x", 0), ("y", 1)):
        shared = getattr(figure, f"get_sup{name}label")()
        named = dict.fromkeys(
            label for axes in drawn if (label := getattr(axes, f"get_{name}label")())
        )
        ends = np.array([axes.dataLim.get_points()[:, place] for axes in drawn])
        ends = ends[np.isfinite(ends).all(axis=1)] if len(ends) else ends
        label = shared or "; ".join(named)
        if label:
            reach = f", from {ends.min():.3g} to {ends.max():.3g}" if len(ends) else ""
            yield f"{'Across' if name == 'x' else 'Up'}: {label}{reach}"


def _cells(drawn: list[Axes]) -> Iterator[str]:
    """Range of a heat map's cells."""
    grids = [mesh.get_array() for axes in drawn for mesh in axes.collections
             if isinstance(mesh, QuadMesh)]  # fmt: skip
    for title, grid in zip((axes.get_title() for axes in drawn), grids, strict=False):
        if grid is not None and np.ma.count(grid):
            cells = f"{title}: cells" if title else "Cells"
            yield f"{cells} from {np.ma.min(grid):.3g} to {np.ma.max(grid):.3g}"


def _legend(figure: Figure, drawn: list[Axes]) -> Iterator[str]:
    found = [*figure.legends, *(axes.get_legend() for axes in drawn)]
    texts = dict.fromkeys(
        text.get_text() for legend in found if legend is not None for text in legend.get_texts()
    )
    if texts:
        yield f"Legend: {', '.join(texts)}"
