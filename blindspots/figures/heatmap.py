"""Table of transfer as a heat map, with the paper's table next to it in the same colours."""

from __future__ import annotations

from collections.abc import Mapping

import seaborn
from matplotlib.figure import Figure

from blindspots.analyses.kit import Figures, beside
from blindspots.analyses.transfer import transfer as summary
from blindspots.files.parts import Frame

REPORT = {
    "set": "standard",
    "place": 1,
    "name": "transfer",
    "title": "Heat map of the errors on the images made for each net",
    "of": "Heat map of the errors on the images made for each net: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

CELL = 0.62
"""Width of a cell in inches."""


def heatmap(transfer: Frame, *, labels: Mapping[str, str], paper: Figures | None = None) -> Figure:
    """Error of each victim (columns) on images perturbed for each source (rows), in percent.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.
        labels: display name of each net.
        paper: printed figures of a paper, by row and column, for a second panel.
    """
    cells = beside(summary(transfer, labels=labels), paper or {})
    cells = cells[cells["unit"] == "% error"]
    shown = [("this run", "value"), *([("the paper", "paper")] if paper else [])]
    rows = dict(zip(cells["row"], cells["row_label"], strict=True))
    columns = dict(zip(cells["column"], cells["column_label"], strict=True))
    widest = max(map(len, rows.values())) * 0.075
    size = (CELL * len(columns) * len(shown) + widest + 1.4, CELL * 0.62 * len(rows) + 1.7)
    figure = Figure(figsize=size)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, (title, value) in zip(panels, shown, strict=True):
        grid = cells.pivot(index="row", columns="column", values=value)
        grid = grid.astype(float).reindex(index=list(rows), columns=list(columns))
        seaborn.heatmap(
            grid, ax=axes, vmin=0, vmax=100, cmap="rocket_r", annot=grid.round(1), fmt="g",
            annot_kws={"size": 8}, cbar=axes is panels[-1], linewidths=0.5,
            cbar_kws={"label": "error (%)"}, xticklabels=list(columns.values()),
            yticklabels=list(rows.values()),
        )  # fmt: skip
        axes.set(title=title if paper else "", xlabel="", ylabel="")
        axes.grid(visible=False)
        axes.tick_params(axis="x", rotation=45)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
        axes.tick_params(axis="y", rotation=0)
    return figure
