"""Distribution of a measure over the directions of each arm, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from blindspots.analyses.arms import (
    ARMS,
    MEASURES,
    Measures,
    Scaling,
    layer_labels,
    of_scaling,
)
from blindspots.figures.kit import panels
from blindspots.interface import InputError

WIDTH, HEIGHT = 2.7, 2.1
COLOURS = {True: "#0072b2", False: "0.7"}


def unit_measures(
    units: pd.DataFrame,
    *,
    measure: Measures = "purity",
    scaling: Scaling = "matched",
    layers: Sequence[str] | None = None,
    labels: Mapping[str, str],
) -> Figure:
    """Box plots over all directions of all networks, a panel per layer, trained and untrained.

    Boxes are quartiles, whiskers the 5th and 95th percentiles.

    Args:
        units: measures of directions, with schema `measurements.units.tables.UNITS`.
        measure: measure to show.
        scaling: scaling of the activations, "raw", "matched" or "whitened".
        layers: names of the layers; all by default.
        labels: display name of each net.

    Raises:
        InputError: a scaling or a layer that was not measured.
    """
    rows = of_scaling(units, scaling)
    there = list(dict.fromkeys(rows["layer"]))
    for layer in layers or ():
        if layer not in there:
            raise InputError(
                f"figure: layers: expected some of {', '.join(there)}, found {layer!r}"
            )
    rows = rows[rows["layer"].isin(layers or there) & (rows["measure"] == measure)]
    found = layer_labels(rows[rows["trained"]], labels)
    arms = {arm: name for arm, name in ARMS.items() if arm in set(rows["arm"])}
    figure, every = panels(len(found), WIDTH, HEIGHT, beside=1.6, above=0.8)
    for axes, panel in zip(every, found.itertuples(), strict=False):
        of = rows[(rows["net"] == panel.net) & (rows["layer"] == panel.layer)]
        for trained, shift in ((True, -0.2), (False, 0.2)):
            for place, arm in enumerate(arms):
                chosen = of[(of["arm"] == arm) & (of["trained"] == trained)]
                _box(axes, place + shift, chosen["value"].dropna().to_numpy(), COLOURS[trained])
        axes.set_yticks(range(len(arms)), list(arms.values()))
        axes.grid(visible=False, axis="y")
        axes.set_title(panel.row_label, fontsize=8)
        axes.set(xlabel="", ylabel="")
    every[0].invert_yaxis()  # the first arm on top; panels share the axis
    figure.supxlabel(MEASURES[measure].label, fontsize=10)
    figure.legend(
        [Patch(color=COLOURS[trained]) for trained in (True, False)], ["trained", "untrained"],
        loc="outside upper center", ncols=2, fontsize=9,
    )  # fmt: skip
    return figure


def _box(axes: Axes, place: float, values: np.ndarray, colour: str) -> None:
    """Draw a box plot at a height of the panel."""
    if len(values) == 0:
        return
    low, first, middle, third, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
    axes.hlines(place, low, high, color="0.3", linewidth=0.8)
    axes.barh(place, third - first, 0.34, first, color=colour, edgecolor="0.3", linewidth=0.8)
    axes.vlines(middle, place - 0.17, place + 0.17, color="black", linewidth=1.5)
