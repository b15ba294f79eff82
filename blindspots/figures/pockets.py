"""Share of directions that fool a net, against multiples of the distance found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from blindspots import statistics
from blindspots.analyses.pockets import share_interval
from blindspots.analyses.threats import Threat, across
from blindspots.figures.kit import panels

WIDTH, HEIGHT = 4.2, 3.4
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
APART = 0.15
"""Width in doublings over which the nets' marks at one multiple are spread."""

UNTRIED = "no successfully attacked image\nthat the net gets right"


class Share(NamedTuple):
    """Point of a line: the mean share of directions that fool a net, in percent."""

    multiple: float
    share: float
    low: float
    high: float


@across
def pockets(pockets: pd.DataFrame, *, labels: Mapping[str, str]) -> Figure:
    """Share of random directions that fool each net, by the distance moved; a panel per attack.

    The scale of the shares is logarithmic, and linear from 0 to the smallest power of ten shown.
    Bars are the 95% intervals of `shares`.

    Args:
        pockets: counts of fooling directions, with schema `measurements.pockets.POCKETS`.
        labels: display name of each net.
    """
    threats = [
        (Threat(*pair), rows)
        for pair, rows in pockets.groupby(["attack", "eps"], sort=False, dropna=False)
    ]
    nets = list(pockets["source"].unique())
    figure, places = panels(len(threats), WIDTH, HEIGHT)
    drawn: dict[str, list[Share]] = {}
    for axes, (threat, rows) in zip(places, threats, strict=False):
        lines = {net: [*shares(rows[rows["source"] == net])] for net in nets}
        _draw(axes, lines)
        axes.set_title(str(threat) if len(threats) > 1 else "")
        drawn |= {f"{threat}/{net}": points for net, points in lines.items()}
    found = [point for points in drawn.values() for point in points]
    if found:
        _scale([*places[: len(threats)]], found)
    else:
        places[0].text(0.5, 0.5, UNTRIED, ha="center", va="center", transform=places[0].transAxes)
    figure.supxlabel("distance from the image, in multiples of the distance found", fontsize=10)
    figure.supylabel("directions that fool the net (%)", fontsize=10)
    bars = places[0].containers
    figure.legend(
        bars, [labels.get(net, net) for net in nets], loc="outside upper center", ncols=4,
        fontsize=9,
    )  # fmt: skip
    return figure


def shares(rows: pd.DataFrame) -> Iterator[Share]:
    """Mean share of the directions that fool a net, over images and then networks, by multiple.

    The interval is `analyses.pockets.share_interval` over the images of all networks, which is
    binomial if no direction or every direction fools the net. With at least `statistics.FEWEST`
    networks it extends, at either end, to Student's interval over them if that is wider.

    Args:
        rows: rows of one net and attack, with all seeds.
    """
    tried = rows[rows["directions"] > 0]
    for multiple, of in tried.groupby("multiple"):
        fooled, directions = of["fooled"].to_numpy(), of["directions"].to_numpy()
        means = (of["fooled"] / of["directions"]).groupby(of["seed"]).mean().to_numpy()
        ends = [share_interval(fooled, directions)]
        if len(means) >= statistics.FEWEST:
            ends.append(statistics.student(means))
        low, high = np.array(ends).T
        shown = (means.mean(), max(low.min(), 0.0), min(high.max(), 1.0))
        yield Share(float(multiple), *(100 * float(each) for each in shown))


def _draw(axes: Axes, lines: Mapping[str, Sequence[Share]]) -> None:
    """Draw the nets' lines with their intervals, side by side at each multiple."""
    colours = seaborn.color_palette("colorblind", len(lines))
    for place, (points, colour, marker) in enumerate(
        zip(lines.values(), colours, cycle(MARKERS), strict=False)
    ):
        at, share, low, high = np.array(points).reshape(-1, 4).T
        aside = APART * (place / max(len(lines) - 1, 1) - 0.5)
        axes.errorbar(
            at * 2**aside, share, yerr=[share - low, high - share], color=colour, marker=marker,
            markersize=4, linewidth=1.2, elinewidth=1.2, capsize=2.5,
        )  # fmt: skip


def _scale(panels: Sequence[Axes], points: Sequence[Share]) -> None:
    """Set the scales and ticks of all panels, which share their axes."""
    seen = [end for point in points for end in (point.share, point.high) if end > 0]
    least = 10.0 ** np.floor(np.log10(min(seen, default=1.0)))
    axes = panels[0]
    axes.set_yscale("symlog", linthresh=least, linscale=0.5)
    powers = 10.0 ** np.arange(np.log10(least), 2.5)
    axes.set_yticks([0, *powers], ["0", *(f"{power:g}" for power in powers)], minor=False)
    axes.set_ylim(-0.2 * least, 130)
    axes.set_xscale("log", base=2)
    multiples = sorted({point.multiple for point in points})
    axes.set_xticks(multiples, [f"× {multiple:g}" for multiple in multiples])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(multiples[0] / 2**APART, multiples[-1] * 2**APART)
    for panel in panels:  # marks are shifted; the description is not
        panel.dataLim.intervalx = np.array([multiples[0], multiples[-1]])
