"""Clean errors of nets on the parts of a split, and the distortion that fools each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from blindspots.analyses._clean import answers_on
from blindspots.analyses._summary import cells, over_seeds


def errors(
    clean: pd.DataFrame,
    split: pd.DataFrame,
    attacks: pd.DataFrame,
    *,
    parts: Sequence[str],
    labels: Mapping[str, str],
    paper: str | None = None,
) -> pd.DataFrame:
    """Tables 1 and 3 of Szegedy et al. 2013.

    Args:
        clean: answers to unaltered images, with schema `answers.CLEAN`.
        split: the parts that the images are in.
        attacks: one row per attacked image.
        parts: for which the error is wanted, such as ["train", "test"].
        labels: of nets, by name.
        paper: the paper's table.

    Returns:
        Per net: the error on each part in percent; the mean distortion of the attacked images of
        which the attack succeeded, and its root mean square ("pooled"), both RMS per pixel.
    """
    found = []
    for part in parts:
        answers = answers_on(part, clean, split)
        rate = answers.groupby(["net", "seed"], sort=False)["wrong"].agg(["mean", "size"])
        found.append(_column(rate["mean"] * 100, rate["size"], part, f"{part} error", "%"))
    lengths = attacks["distortion"].where(attacks["success"])
    reached = lengths.groupby([attacks["net"], attacks["seed"]], sort=False)
    size, unit = reached.count(), "RMS per pixel"
    found.append(_column(reached.mean(), size, "distortion", "mean distortion", unit))
    pooled = np.sqrt(reached.agg(lambda d: np.square(d).mean()))
    found.append(_column(pooled, size, "pooled distortion", "pooled distortion", unit))
    values = over_seeds(pd.concat(found), ["row", "column", "column_label", "unit"])
    order = {net: place for place, net in enumerate(clean["net"].unique())}
    values = values.sort_values("row", key=lambda rows: rows.map(order), kind="stable")
    return cells(values, labels, paper)


def _column(value: pd.Series, n: pd.Series, key: str, label: str, unit: str) -> pd.DataFrame:
    frame = pd.DataFrame({"value": value, "n": n}).reset_index().rename(columns={"net": "row"})
    return frame.assign(column=key, column_label=label, unit=unit, reason="no attack succeeded")
