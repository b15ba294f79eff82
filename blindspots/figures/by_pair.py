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
WORDS = 1.1
"""Least width of a group that has words on the axis, in inches."""

APART = 0.15
"""Width, in the least distance of two groups, over which the lengths' marks of one are spread."""

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

    A panel per attack; groups along its axis, and marks of one colour per length. Bars are
    Student's 95% intervals over the seeds, of at least `statistics.FEWEST`.

    Args:
        curves: error against distortion, with schema `measurements.sweep.CURVES`.
        split: part of the split of each image.
        trained_on: part that each net was trained on.
        differences: properties of nets by name, each with patterns of nets' names, as of the
            analysis of this name; None: pairs are grouped by the training images in common.
    """
    found = grouped(curves, split, trained_on, differences)
    by_images = differences is None
    found["at"] = -found["place"] if by_images else found["place"]  # a share in percent, or a rank
    attacks = list(found["direction"].unique())
    width = max(WIDTH, 0 if by_images else WORDS * found["row"].nunique())
    figure, places = panels(len(attacks), width, HEIGHT)
    for axes, attack in zip(places, attacks, strict=False):
        _draw(axes, found[found["direction"] == attack], "-" if by_images else "none")
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
    figure.supxlabel(shared if by_images else "what the two nets differ in", fontsize=10)
    figure.supylabel("error of the victim − noise error (points)", fontsize=10)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, line: str) -> None:
    groups = rows.groupby("at")["row"].first()
    lengths = sorted(rows["distortion"].unique())
    colours = seaborn.color_palette("colorblind", len(lengths))
    near = np.diff(groups.index).min(initial=100)
    for place, (length, colour, marker) in enumerate(
        zip(lengths, colours, cycle(MARKERS), strict=False)
    ):
        aside = APART * near * (place / max(len(lengths) - 1, 1) - 0.5)
        of = rows[rows["distortion"] == length].groupby("at")["noise"]
        axes.errorbar(
            of.mean().index + aside, of.mean(), yerr=of.agg(_half), color=colour, marker=marker,
            linestyle=line, markersize=4, linewidth=1.2, elinewidth=1.2, capsize=2.5,
        )  # fmt: skip
    axes.set_xticks(groups.index, groups.str.replace(", ", ",\n"))
    axes.dataLim.intervalx = groups.index[[0, -1]]  # for the description: marks are shifted


def _half(values: pd.Series) -> float:
    """Half the width of Student's interval, or NaN."""
    if len(values) < statistics.FEWEST:
        return np.nan
    low, high = statistics.student(values.to_numpy())
    return (high - low) / 2
