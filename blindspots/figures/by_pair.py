"""Transfer by what two nets have in common: a point with its interval per group and length."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from blindspots import statistics
from blindspots.analyses.by_pair import Differences, grouped
from blindspots.analyses.threats import across
from blindspots.figures.kit import panels

WIDTH, HEIGHT = 4.6, 3.4
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
APART = 0.3
"""Width, in distances between two groups, over which the lengths' marks of a group are spread."""

NOTHING = "no two nets to compare"


@across
def by_pair(
    curves: pd.DataFrame,
    split: pd.DataFrame,
    *,
    trained_on: Mapping[str, str | None],
    differences: Differences | None = None,
) -> Figure:
    """Error of victims on other nets' images beyond noise of equal length, by group of pairs.

    A panel per attack, a line per length. Bars are Student's 95% intervals over the seeds, of at
    least `statistics.FEWEST`.

    Args:
        curves: error against distortion, with schema `measurements.sweep.CURVES`.
        split: part of the split of each image.
        trained_on: part that each net was trained on.
        differences: properties of nets by name, each with patterns of nets' names, as of the
            analysis of this name; None: pairs are grouped by the training images in common.
    """
    found = grouped(curves, split, trained_on, differences)
    attacks = list(found["direction"].unique())
    groups = found.sort_values("place", ascending=differences is not None)
    ticks = list(dict.fromkeys(groups["row"]))
    figure, places = panels(len(attacks), WIDTH, HEIGHT)
    for axes, attack in zip(places, attacks, strict=False):
        _draw(axes, found[found["direction"] == attack], ticks)
        axes.set_title(attack if len(attacks) > 1 else "")
    if attacks:
        figure.legend(
            places[0].containers, [f"{at:g}" for at in sorted(found["distortion"].unique())],
            loc="outside upper center", ncols=4, fontsize=9, title_fontsize=9,
            title="length (RMS per pixel)",
        )  # fmt: skip
    else:
        places[0].text(0.5, 0.5, NOTHING, ha="center", va="center", transform=places[0].transAxes)
    shared = "training images that the two nets have in common"
    figure.supxlabel(shared if differences is None else "difference of the two nets", fontsize=10)
    figure.supylabel("error of the victim − noise error (points)", fontsize=10)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, ticks: list[str]) -> None:
    lengths = sorted(rows["distortion"].unique())
    colours = seaborn.color_palette("colorblind", len(lengths))
    for place, (length, colour, marker) in enumerate(
        zip(lengths, colours, cycle(MARKERS), strict=False)
    ):
        aside = APART * (place / max(len(lengths) - 1, 1) - 0.5)
        of = rows[rows["distortion"] == length].groupby("row")["noise"]
        means, ends = of.mean(), of.agg(_half)
        shown = [tick for tick in ticks if tick in means.index]
        axes.errorbar(
            [ticks.index(tick) + aside for tick in shown], means[shown], yerr=ends[shown],
            color=colour, marker=marker, markersize=4, linewidth=1.2, elinewidth=1.2, capsize=2.5,
        )  # fmt: skip
    axes.set_xticks(range(len(ticks)), ticks)
    axes.axhline(0, color="0.3", linewidth=0.8)


def _half(values: pd.Series) -> float:
    """Half the width of Student's interval, or NaN."""
    if len(values) < statistics.FEWEST:
        return np.nan
    low, high = statistics.student(values.to_numpy())
    return (high - low) / 2
