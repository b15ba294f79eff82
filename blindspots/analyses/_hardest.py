"""Comparison of each victim with every other one, on the images made for the same sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._pairs import pairs
from blindspots.analyses.kit import BOUNDS, IMAGE
from blindspots.files.parts import Frame, parted


def least_advantages(
    transfer: Frame, clean: Frame, labels: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield a cell per victim V: its advantage over the victim that comes nearest to it.

    The advantage over a victim W is the error minus clean error of W, minus that of V, image by
    image on the images made for all sources but V and W, as a net's own images are no transfer:
    with other sources for each, it would compare the sources. The least over all W is above 0 only
    if V is harder to transfer to than every other victim. Its interval is `statistics.least_mean`,
    over seeds, or over the images of the networks of one seed if there are no others, or if all
    seeds have the same mean, over which Student's interval would have no width.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        labels: display name of each net.
    """
    victims = list(parted(transfer).distinct(["victim"])["victim"])
    if len(victims) < 3:  # of two, neither has a source in common with the other
        return
    parts = [_by_image(of, victims) for of in pairs(transfer, clean, by="index")]
    every = pd.concat(parts).sort_index()
    for victim in victims:
        of = [every[victim, other].dropna() for other in victims if other != victim]
        of = [differences for differences in of if len(differences)]
        if of:
            label = f"least error of another net − error of {labels.get(victim, victim)}"
            named = f"{label}, beyond clean, on common sources (points)"
            yield _cell(of) | {"row": f"least advantage of {victim}", "row_label": named}


def _by_image(others: pd.DataFrame, victims: list[str]) -> pd.DataFrame:
    """Excess of one victim minus that of another, averaged over their common sources.

    Returns:
        A row per image (`IMAGE`), a column per pair of victims: the second minus the first.
    """
    keys = ["source", *IMAGE]
    excess = others.groupby([*keys, "victim"])["excess"].mean().unstack("victim")
    excess = excess.reindex(columns=victims)
    found = {
        (victim, other): excess[other] - excess[victim]
        for victim in victims
        for other in victims
        if other != victim
    }
    columns = pd.MultiIndex.from_tuples(list(found), names=["victim", "other"])
    return pd.DataFrame(found, excess.index, columns).groupby(level=IMAGE).mean()


def _cell(differences: list[pd.Series]) -> dict[str, Any]:
    """Least of several mean differences, each given by image, with its interval."""
    by_seed = [of.groupby("seed").mean() for of in differences]
    networks = min(len(of) for of in by_seed)
    interval = statistics.least_mean([_draws(of) for of in differences], BOUNDS["points"])
    return {
        "column": "mean", "column_label": "mean", "unit": "points",
        "n": min(len(of) for of in differences) // networks, "networks": networks,
        "value": float(np.min([of.mean() for of in by_seed])),
        "interval": "extreme" if networks > 1 else "extreme images", **interval._asdict(),
    }  # fmt: skip


def _draws(difference: pd.Series) -> np.ndarray:
    """Means of the seeds; if they are all equal, or there is one, the images of the first."""
    means = difference.groupby("seed").mean()
    if np.ptp(means) > 0:
        return means.to_numpy()
    return difference.xs(means.index[0], level="seed").to_numpy()
