"""Measures of units, their means by arm, and differences from rotations, for tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.interface import InputError

LEVEL = 0.05
"""Significance level of every test."""
MORE, LESS, EQUAL, UNKNOWN = "units more", "units less", "equal", "cannot tell"
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


def differences(units: pd.DataFrame, unit_rotations: pd.DataFrame) -> pd.DataFrame:
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
    rotated = unit_rotations.groupby(keys)["value"].agg(["mean", "std"]).reset_index()
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


def tested(
    found: pd.DataFrame, unit_rotations: pd.DataFrame, margins: Mapping[str, float]
) -> pd.DataFrame:
    """Test each layer and measure over networks, and add the verdict of `judged`.

    Args:
        found: result of `differences`.
        unit_rotations: means of rotations, with schema `measurements.units.tables.UNIT_ROTATIONS`.
        margins: equivalence margin of each measure.

    Returns:
        Columns of `LAYER`, `measure`, `rotation_p` and `equivalence_p` (NaN if not tested),
        `verdict` (None without any difference), `reason`, `n` and `networks`.
    """
    keys = [*LAYER, "measure"]
    drawn = {
        of: rows.pivot(index="rotation", columns="seed", values="value")
        for of, rows in unit_rotations.groupby(keys)
    }
    rows = []
    for of, group in found.groupby(keys, sort=False):
        there = group[group["value"].notna()]
        values, p = there["value"].to_numpy(), np.nan
        if of in drawn and len(there):
            draws = drawn[of][there["seed"]]
            centred = (draws - draws.mean()).mean(axis=1).dropna().to_numpy()
            p = statistics.randomisation_p(float(values.mean()), centred)
        equal = statistics.equivalence_p(values, margins[of[-1]])
        sign = MEASURES[of[-1]].sign
        interval = statistics.Interval(*sorted(sign * np.array(statistics.student(values))))
        rows.append(
            dict(zip(keys, of, strict=True))
            | {
                "rotation_p": p, "equivalence_p": equal,
                "verdict": judged(interval, p, equal) if len(there) else None,
                "reason": next(iter(group["reason"].dropna()), None),
                "n": group["n"].iloc[0], "networks": len(there),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=[*keys, *TESTED])


TESTED = ["rotation_p", "equivalence_p", "verdict", "reason", "n", "networks"]


def judged(interval: statistics.Interval, rotation_p: float, equivalence_p: float) -> str:
    """Return the verdict on one layer and measure; `analyses.units.units` states the rule.

    Args:
        interval: interval of the difference over networks, positive if units are more
            interpretable.
        rotation_p: p value by the rotations; NaN if the measure has no rotations.
        equivalence_p: p value of the equivalence test of the difference with its margin.
    """
    if np.isnan(interval.low):
        return UNKNOWN
    if equivalence_p <= LEVEL:
        return EQUAL
    if rotation_p > LEVEL or interval.low <= 0 <= interval.high:
        return UNKNOWN
    return MORE if interval.low > 0 else LESS
