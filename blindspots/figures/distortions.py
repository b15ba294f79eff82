"""Distribution of the distortions found for each net."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from blindspots.analyses.attacked import tried
from blindspots.analyses.kit import of_fewer

REPORT = {
    "set": "standard",
    "place": 2,
    "title": "Distortions found",
    "of": "Distortions found for {}",
}
"""Place and titles in a report set (`config.reporting`)."""


def distortions(attacks: pd.DataFrame, *, labels: Mapping[str, str]) -> Figure:
    """Cumulative curve per net: the share of its images fooled at or below a distortion.

    Failures count: a curve ends below 1 if the attack failed on the remaining images. Images that
    the net does not get right unaltered are left out.

    Args:
        attacks: attacked images, a row each.
        labels: display name of each net.
    """
    nets = list(attacks["net"].unique())
    figure = Figure(figsize=(7.2, 4.2))
    axes = figure.subplots()
    colours = seaborn.color_palette("colorblind", len(nets))
    rows = tried(attacks)
    lines, names = [], []
    for net, colour in zip(nets, colours, strict=True):
        of = rows[rows["net"] == net]
        found = np.sort(of.loc[of["fooled"], "distortion"].to_numpy(float))
        share = np.arange(1, len(found) + 1) / max(len(of), 1)
        mean = f"mean {found.mean():.3f}" if len(found) else "none fooled"
        names.append(f"{labels.get(net, net)}, {mean}{of_fewer(len(found), len(of))}")
        places = np.concatenate([[0.0], found]), np.concatenate([[0.0], share])
        lines += axes.step(*places, where="post", color=colour)
    axes.set(
        xlabel="distortion (RMS per pixel)",
        ylabel="share of images fooled",
        xlim=(0, None),
        ylim=(0, 1.01),
    )
    axes.legend(lines, names, loc="lower right", fontsize=9)
    return figure
