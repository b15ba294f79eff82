"""Error against distortion: a panel per victim, a line per direction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from blindspots import statistics
from blindspots.figures.kit import ACROSS, panels
from blindspots.measurements.controls import NOISE, NOISE_IN_BOX, OTHER_IMAGE

REPORT = {
    "set": "directions",
    "place": 1,
    "title": "Error against distortion, by direction",
    "of": "Error against distortion, by direction: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

WIDTH, HEIGHT = 2.6, 2.3
LONG, OTHER = (0, (8, 3)), ("0.3", "-")
PLAIN = {NOISE: ("0.45", "--"), NOISE_IN_BOX: ("0.65", LONG), OTHER_IMAGE: ("0.1", ":")}
"""Colour and dashes of the directions that no source chose; `OTHER` of any that is not named."""


def curves(curves: pd.DataFrame, *, labels: Mapping[str, str]) -> Figure:
    """Small multiples: error of each victim against the distance moved in each direction.

    Bands are the 95% intervals: Wilson's on one network, none over two, Student's over more. A
    direction has no line where no image can be moved that far in the box, which only images of
    "noise" may leave, and none at all if no attack succeeded. Thin dash-dotted lines show the share
    of images that a victim rejects, if any.

    Args:
        curves: error against distortion, with schema `measurements.sweep.CURVES`.
        labels: display name of each net.
    """
    victims = list(curves["victim"].unique())
    sources = list(curves["source"].dropna().unique())
    colours = dict(zip(sources, seaborn.color_palette("colorblind", len(sources)), strict=True))
    figure, places = panels(len(victims), WIDTH, HEIGHT)
    figure.set_layout_engine("constrained", w_pad=0.1)  # inches: ticks at the ends of two panels
    lines = {}
    for axes, victim in zip(places, victims, strict=False):
        rows = curves[curves["victim"] == victim]
        for (source, direction), of in rows.groupby(["source", "direction"], dropna=False):
            plain = bool(pd.isna(source))
            colour, dashes = PLAIN.get(direction, OTHER) if plain else (colours[source], "-")
            line = _rates(of)
            width = 2.2 if source == victim else 1.2
            axes.plot(line.index, line["rate"], color=colour, linestyle=dashes, linewidth=width)
            if of["rejected"].any():
                axes.plot(line.index, line["rejected"], color=colour, ls="-.", linewidth=0.8)
            key = plain, direction if plain else source
            (lines[key],) = axes.plot([], [], color=colour, linestyle=dashes)
            axes.fill_between(line.index, line["low"], line["high"], color=colour, alpha=0.15, lw=0)
        axes.set_title(labels.get(victim, victim))
        axes.set(ylim=(0, 101), xlim=(0, curves["distortion"].max()))
    for axes in places[: len(victims)][-ACROSS:]:  # no panel below it
        axes.tick_params(labelbottom=True)
    figure.supxlabel("distortion (RMS per pixel, after any clipping)", fontsize=10)
    beside = "; dash-dotted: rejected" if curves["rejected"].any() else ""
    figure.supylabel(f"error of the victim (%){beside}", fontsize=10)
    order = [(False, source) for source in sources]
    order += [key for key in lines if key not in order]
    moved = curves[curves["n"] >= 1]
    drawn = {*zip(moved["source"].isna(), moved["source"].fillna(moved["direction"]), strict=True)}
    names = [name if plain else labels.get(name, name) for plain, name in order]
    told = ["" if key in drawn else ", no image" for key in order]
    named = [name + more for name, more in zip(names, told, strict=True)]
    figure.legend(
        [lines[key] for key in order], named, loc="outside upper center", ncols=4, fontsize=9,
        title="direction of the perturbation (thick: the victim's own)", title_fontsize=9,
    )  # fmt: skip
    return figure


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Percentage wrong with its interval, and percentage rejected, by distortion."""
    found = {}
    for distortion, of in rows.groupby("distortion"):
        of = of[of["n"] >= 1]  # for noise, a mean over draws
        rates = (of["wrong"] / of["n"]).to_numpy()
        if len(rates) == 0:
            continue
        if len(rates) == 1:
            interval = statistics.wilson(of["wrong"].iloc[0], round(of["n"].iloc[0]))
        else:
            few = len(rates) < statistics.FEWEST
            interval = statistics.NONE if few else statistics.student(rates)
            if np.ptp(rates) == 0:  # of no width: that of the images of one network
                interval = statistics.exact(rates[0], of["n"].min())
        ends = np.clip(interval, 0, 1)
        found[distortion] = 100 * np.array([rates.mean(), *ends, (of["rejected"] / of["n"]).mean()])
    ends = np.array(list(found.values()), dtype=float).reshape(-1, 4)
    at = pd.Index(list(found), dtype=float)
    return pd.DataFrame(ends, index=at, columns=["rate", "low", "high", "rejected"])
