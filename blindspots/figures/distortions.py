"""How far each net's images had to be moved: the distribution of distortions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn
from matplotlib.figure import Figure


def distortions(attacks: pd.DataFrame, *, labels: Mapping[str, str]) -> Figure:
    """One cumulative curve per net: the share of its images fooled at or below a distortion.

    Failures count: a curve that ends below 1 is that of an attack that failed on the rest.

    Args:
        attacks: one row per attacked image.
        labels: of nets, by name.
    """
    nets = list(attacks["net"].unique())
    figure = Figure(figsize=(7.2, 4.2))
    axes = figure.subplots()
    colours = seaborn.color_palette("colorblind", len(nets))
    for net, colour in zip(nets, colours, strict=True):
        values = attacks.loc[attacks["net"] == net, "distortion"]
        found = np.sort(values.dropna().to_numpy())
        share = np.arange(1, len(found) + 1) / len(values)
        label = f"{labels.get(net, net)}, mean {found.mean():.3f}" if len(found) else net
        axes.step(
            np.concatenate([[0.0], found]),
            np.concatenate([[0.0], share]),
            where="post",
            color=colour,
            label=label,
        )
    axes.set(
        xlabel="distortion (RMS per pixel)",
        ylabel="share of images fooled",
        xlim=(0, None),
        ylim=(0, 1.01),
    )
    axes.legend(loc="lower right", fontsize=9)
    return figure
