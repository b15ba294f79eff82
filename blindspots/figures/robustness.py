"""Certified and empirical robustness: shares of images against the radius, a panel per net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from blindspots.analyses.kit import NETS_IMAGE
from blindspots.analyses.threats import across
from blindspots.figures.kit import panels
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import RIGHT

REPORT = {
    "set": "bounds",
    "place": 1,
    "title": "Certified and found",
    "of": "Certified and found: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

WIDTH, HEIGHT = 2.6, 2.3
CERTIFIED, ROBUST = "#0072b2", "#d55e00"


@across
def robustness(
    ledger: Frame,
    attacks: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    norm: Literal["l0", "l1", "l2", "linf"] = "l2",
) -> Figure:
    """Small multiples: the share of images whose answer no perturbation up to a length can change.

    The lower line is the certified share, the upper one the share that no attack has changed; the
    true share lies in the shaded area between them. If attacks failed on images that the net gets
    right, the title gives the number fooled: an image that no attack fooled need not be robust.

    Args:
        ledger: bounds of each image, with schema `jobs.ledger.SCHEMA`; only the rows for any wrong
            class are used.
        attacks: attacked images of the experiment; their nets and images are shown.
        labels: display name of each net.
        norm: norm of the lengths.
    """
    shown = parted(ledger).of("norm", [norm], [*NETS_IMAGE, "norm", "goal", "upper", "lower"])
    shown = shown[shown["goal"] == "any"]
    rows = attacks[[*NETS_IMAGE, "outcome"]].drop_duplicates(NETS_IMAGE).merge(shown, on=NETS_IMAGE)
    nets = list(rows["net"].unique())
    figure, places = panels(len(nets), WIDTH, HEIGHT, sharex=False)
    for axes, net in zip(places, nets, strict=False):
        of = rows[rows["net"] == net]
        ends = of[["upper", "lower"]].to_numpy(float)
        longest = ends[np.isfinite(ends)].max(initial=0)
        ε = np.linspace(0, longest if longest > 0 else 1.0, 400)
        certified, robust = shares(of, ε)
        axes.plot(ε, certified, color=CERTIFIED)
        axes.plot(ε, robust, color=ROBUST)
        axes.fill_between(ε, certified, robust, color="0.5", alpha=0.15, lw=0)
        right = of.loc[of["outcome"] == RIGHT, "upper"]
        missed = f"\n{right.count()} of {len(right)} fooled" if right.isna().any() else ""
        axes.set_title(labels.get(net, net) + missed)
        axes.set(xlim=(0, ε[-1]), ylim=(0, 101))
    if not nets:  # such as if all nets are stochastic: they have no rows in the ledger
        places[0].text(0.5, 0.5, "no net with bounds", ha="center", va="center")
    figure.supxlabel(f"length of the perturbation ({norm.capitalize()})", fontsize=10)
    figure.supylabel("share of images (%)", fontsize=10)
    lines = [places[0].plot([], [], color=colour)[0] for colour in (CERTIFIED, ROBUST)]
    figure.legend(
        lines, ["certified: right within this length", "not changed by any attack"],
        loc="outside upper center", ncols=2, fontsize=9,
    )  # fmt: skip
    return figure


def shares(ledger: pd.DataFrame, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Percentage of images that are certified, and that no attack has changed, at each length.

    An image without a certificate counts as not certified, one that no attack changed as robust.
    """
    lower = ledger["lower"].fillna(0).to_numpy()[:, None]
    upper = ledger["upper"].fillna(np.inf).to_numpy()[:, None]
    return 100 * (lower > lengths).mean(axis=0), 100 * (upper > lengths).mean(axis=0)
