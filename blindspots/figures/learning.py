"""Learning curves: error and loss on the training images, a line per net."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, product
from typing import Literal

import pandas as pd
import seaborn
from matplotlib.figure import Figure

TERMS = {"error": "error in training (%)", "loss": "loss"}
AXES = {"seconds": "seconds of training", "epochs": "epochs (rows of the history)"}
DASHES = ("-", "--", ":")
"""Dashes of lines; the next one is used once all colours are taken."""


def learning(
    history: pd.DataFrame,
    *,
    axis: Literal["seconds", "epochs"] = "seconds",
    labels: Mapping[str, str],
) -> Figure:
    """Two panels, of error and loss; thin lines are trainings, thick ones their mean over seeds.

    Error and loss are those recorded during training: with dropout, and with the loss of
    adversarial examples included. Trainers that report no error have no line for it. The vertical
    axes are logarithmic; if any value is 0, they are linear between 0 and the smallest positive
    value.

    Args:
        history: history of all trainings (see `trainers.table`).
        axis: "seconds", or "epochs": rows of the history, one per epoch for stochastic trainers.
        labels: display name of each net.
    """
    rows = history.assign(epochs=history.groupby(["net", "seed"]).cumcount() + 1)
    nets = list(rows["net"].unique())
    looks = list(zip(nets, cycle(product(DASHES, seaborn.color_palette("colorblind")))))
    shown = [term for term in TERMS if term in rows]
    figure = Figure(figsize=(4.2 * max(len(shown), 1), 4.2))
    panels = figure.subplots(1, max(len(shown), 1), squeeze=False)[0]
    for axes, term in zip(panels, shown, strict=False):
        for net, (dashes, colour) in looks:
            of = rows[(rows["net"] == net) & rows[term].notna()]
            seeds = [one for _, one in of.groupby("seed")]
            for one in seeds:
                axes.plot(one[axis], one[term], dashes, color=colour, linewidth=0.6, alpha=0.5)
            mean = of.groupby("epochs")[["seconds", term]].mean().reset_index()
            (line,) = axes.plot(mean[axis], mean[term], dashes, color=colour, linewidth=1.8)
            line.set_label(labels.get(net, net))
        axes.set(ylabel=TERMS[term], xlabel=AXES[axis])
        if (rows[term] == 0).any():
            positive = rows[term][rows[term] > 0]
            axes.set_yscale("symlog", linthresh=positive.min() if len(positive) else 1.0)
        else:
            axes.set_yscale("log")
    lines = [line for line in panels[0].lines if line.get_linewidth() > 1]
    named = [str(line.get_label()) for line in lines]  # passed explicitly, as "_" would hide one
    figure.legend(lines, named, loc="outside upper center", ncols=3, fontsize=9)
    return figure
