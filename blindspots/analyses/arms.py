"""Measures of units, their means by arm, and differences from rotations, for tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from blindspots.files.parts import Frame, parted
from blindspots.interface import InputError

LAYER = ["net", "trained", "layer", "scaling"]
NO_ROTATIONS = "not measured on rotations: each direction needs passes through the network"
NO_DRAW = "needs rotations"
NO_SPREAD = "needs several rotations that differ"
NO_ARM = "needs the arm 'rotation'"


class Measure(NamedTuple):
    """A measure of directions.

    Attributes:
        label: name in tables and figures.
        unit: unit of its values.
        sign: 1 if larger values mean more interpretable, −1 if smaller ones do.
    """

    label: str
    unit: str
    sign: int


MEASURES = {
    "purity": Measure("top label purity", "", 1),
    "entropy": Measure("top label entropy (bits)", "", -1),
    "auc": Measure("best class AUC", "", 1),
    "information": Measure("label information (bits)", "", 1),
    "pixels": Measure("top similarity, pixels", "", 1),
    "features": Measure("top similarity, features", "", 1),
    "kurtosis": Measure("excess kurtosis", "", 1),
    "accuracy": Measure("accuracy lost (points)", "points", 1),
}
"""Measures by their names in `blindspots.measurements.units.measures`."""

Measures = Literal[
    "purity", "entropy", "auc", "information", "pixels", "features", "kurtosis", "accuracy"
]
Scaling = Literal["raw", "matched", "whitened"]
"""Values of settings, for annotations."""

MARGINS = {
    "purity": 0.05, "entropy": 0.15, "auc": 0.02, "information": 0.05, "pixels": 0.02,
    "features": 0.05, "kurtosis": 0.5, "accuracy": 0.5,
}  # fmt: skip
"""Equivalence margin of each measure, in its unit, unless the config gives another."""

ARMS = {
    "units": "units",
    "random": "random directions",
    "rotation": "a rotation of the units",
    "pca": "principal components",
    "probe": "class probes",
}


def of_scaling(frame: pd.DataFrame, scaling: str) -> pd.DataFrame:
    """Return the rows of a scaling.

    Raises:
        InputError: no rows of this scaling.
    """
    rows = frame[frame["scaling"] == scaling]
    if rows.empty and len(frame):
        there = ", ".join(frame["scaling"].unique())
        raise InputError(f"scaling: expected one of {there}, found {scaling!r}; change the table")
    return rows


def layer_labels(units: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per net and layer, in order of appearance, with `place` and `row_label`."""
    found = units.drop_duplicates(LAYER)[[*LAYER, "kind", "place"]]
    names = [
        f"{labels.get(row.net, row.net)}{'' if row.trained else ', untrained'}, layer {row.layer} "
        f"({row.kind}{'' if row.place == 'neither' else f', {row.place}'})"
        for row in found.itertuples()
    ]
    rows = [key(row) for row in found.itertuples()]
    return found.assign(row_label=names, row=rows).astype({"row_label": str, "row": str})


def key(row) -> str:
    """Key of a layer in a table."""
    return f"{row.net}{'' if row.trained else '/untrained'}/{row.layer}/{row.scaling}"


def means(units: pd.DataFrame) -> pd.DataFrame:
    """Mean over the directions that have a value, per net, seed, layer, arm and measure.

    `directions` counts these directions; `reason` is the first reason given for a missing value.
    """
    keys = [*LAYER, "seed", "arm", "measure"]
    groups = units.groupby(keys, sort=False)
    found = groups["value"].agg(value="mean", directions="count")
    return found.assign(reason=groups["reason"].first(), n=groups["n"].first()).reset_index()


ROTATED = [*LAYER, "seed", "measure", "rotation", "value"]
"""Columns of the table of rotations that are read."""


def rotations(units: pd.DataFrame, unit_rotations: Frame) -> Iterator[pd.DataFrame]:
    """Yield the rows of the rotations of the scalings that `units` has, some layers at a time."""
    scalings = set(units["scaling"])
    for part in parted(unit_rotations).by("layer", ROTATED):
        yield part[part["scaling"].isin(scalings)]


def differences(units: pd.DataFrame, unit_rotations: Frame) -> pd.DataFrame:
    """Units' mean minus the mean over rotations of their frame, per net, seed, layer and measure.

    For the accuracy lost, the mean of the one rotation whose directions were projected out is
    subtracted instead.

    Returns:
        Columns of `LAYER`, `seed`, `measure`, `value` (the difference), `effect` (the difference
        over the standard deviation of the rotations' means), `n`, `reason` (why there is no
        difference) and `without_effect` (why there is no effect).
    """
    arms = means(units)
    keys = [*LAYER, "seed", "measure"]
    rotated = pd.concat([
        part.groupby(keys)["value"].agg(["mean", "std"])
        for part in rotations(units, unit_rotations)
    ]).reset_index()  # fmt: skip
    found = arms[arms["arm"] == "units"].merge(rotated, on=keys, how="left")
    once = arms[arms["arm"] == "rotation"][[*keys, "value"]].rename(columns={"value": "once"})
    found = found.merge(once, on=keys, how="left")
    lost = found["measure"] == "accuracy"
    against = found["mean"].where(~lost, found["once"])
    difference = found["value"] - against
    effect = (difference / found["std"].replace(0, np.nan)).where(~lost)
    reason = found["reason"].fillna(lost.map({True: NO_ARM, False: NO_DRAW}))
    reason = reason.where(difference.isna())
    alike = reason.fillna(lost.map({True: NO_ROTATIONS, False: NO_SPREAD}))
    return found[[*keys, "n"]].assign(
        value=difference, effect=effect, reason=reason, without_effect=alike
    )
