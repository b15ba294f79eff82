"""Tests of units against rotations of their frame, corrected for their number, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses.arms import LAYER, MEASURES, Measures, rotations
from blindspots.files.parts import Frame
from blindspots.interface import InputError
from blindspots.statistics import Interval

LEVEL = 0.05
"""Significance level of every test."""
FEWEST = 999
"""Least number of rotations behind a corrected p value."""
PER_CELL = round(1 / LEVEL)
"""Rotations per cell that p values are corrected for: the least p is 1 / (rotations + 1)."""
MORE, LESS, EQUAL, UNKNOWN = "units more", "units less", "equal", "cannot tell"
KEYS = [*LAYER, "measure"]
P_VALUES = ["rotation_p", "difference_p", "equivalence_p"]


class Primary(TypedDict):
    """Primary endpoint: a measure of one layer, in every trained net that has the layer."""

    layer: str
    measure: Measures


def tested(
    found: pd.DataFrame, units: pd.DataFrame, unit_rotations: Frame, margins: Mapping[str, float]
) -> pd.DataFrame:
    """Test each layer and measure over networks, without correction.

    Args:
        found: result of `arms.differences`.
        units: measures of the same layers.
        unit_rotations: means of rotations, with schema `measurements.units.tables.UNIT_ROTATIONS`.
        margins: equivalence margin of each measure.

    Returns:
        A row per layer and measure: `KEYS`; `signed`, the differences on the networks, positive if
        units are more interpretable; `P_VALUES` (NaN if not tested), of which `difference_p` is the
        p value by the rotations or, for a measure without rotations, Student's; `rotations`, their
        number; `reason`, `n` and `networks`.
    """
    drawn = {
        of: rows.pivot(index="rotation", columns="seed", values="value")
        for part in rotations(units, unit_rotations)
        for of, rows in part.groupby(KEYS)
    }
    rows = []
    for of, group in found.groupby(KEYS, sort=False):
        there = group[group["value"].notna()]
        values, p = there["value"].to_numpy(), np.nan
        if of in drawn and len(there):
            draws = drawn[of][there["seed"]]
            centred = (draws - draws.mean()).mean(axis=1).dropna().to_numpy()
            p = statistics.randomisation_p(float(values.mean()), centred)
        rows.append(
            dict(zip(KEYS, of, strict=True))
            | {
                "signed": MEASURES[of[-1]].sign * values, "rotation_p": p,
                "difference_p": statistics.student_p(values) if np.isnan(p) else p,
                "equivalence_p": statistics.equivalence_p(values, margins[of[-1]]),
                "rotations": len(drawn.get(of, ())), "n": group["n"].iloc[0],
                "reason": next(iter(group["reason"].dropna()), None), "networks": len(there),
            }
        )  # fmt: skip
    columns = [*KEYS, "signed", *P_VALUES, "rotations", "n", "reason", "networks"]
    return pd.DataFrame(rows, columns=columns)


def is_primary(tests: pd.DataFrame, primary: Primary | None) -> pd.Series:
    """Return whether each row of `tested` is of the primary endpoint.

    Raises:
        InputError: a layer and measure that no trained net has.
    """
    if primary is None or tests.empty:
        return pd.Series(False, tests.index)
    layer, measure = primary["layer"], primary["measure"]
    of_layer = tests["trained"] & (tests["layer"] == layer)
    found = of_layer & (tests["measure"] == measure)
    if not found.any():
        known = ", ".join(dict.fromkeys(tests.loc[tests["trained"], "layer"]))
        raise InputError(
            f"primary: expected a measure of a layer of trained nets ({known}), found {measure} of "
            f"{layer!r}; change the table"
        )
    return found


def check_rotations(tests: pd.DataFrame, alone: pd.Series) -> None:
    """Check that the rotations suffice for p values of all rows except those tested alone.

    Raises:
        InputError: too few rotations for the number of rows.
    """
    rest = tests[~alone]
    by_rotations = rest[rest["rotation_p"].notna()]
    count = int(rest["difference_p"].notna().sum())
    least, there = max(FEWEST, PER_CELL * count - 1), by_rotations["rotations"].min()
    if len(by_rotations) and there < least:
        raise InputError(
            f"unit_rotations: expected at least {least} rotations for p values corrected for "
            f"{count} cells, found {there}; raise rotations in the measurement, measure fewer "
            "layers, or set correct: false"
        )


def corrected(tests: pd.DataFrame, alone: pd.Series) -> pd.DataFrame:
    """Correct the p values of all rows of `tested` together, by Holm, except those tested alone."""
    rest, found = tests[~alone], tests.copy()
    found.loc[~alone, P_VALUES[1:]] = np.transpose([statistics.holm(rest[p]) for p in P_VALUES[1:]])
    found["rotation_p"] = found["difference_p"].where(tests["rotation_p"].notna())
    return found


def judged(interval: Interval, difference_p: float, equivalence_p: float) -> str:
    """Return the verdict on one layer and measure; `analyses.units.units` states the rule.

    Args:
        interval: interval of the difference over networks, positive if units are more
            interpretable.
        difference_p: p value of the difference.
        equivalence_p: p value of the equivalence test of the difference with its margin; NaN: one
            network, or all with the same difference.
    """
    if np.isnan(interval.low) or np.isnan(equivalence_p):
        return UNKNOWN
    if equivalence_p <= LEVEL:
        return EQUAL
    if difference_p > LEVEL or interval.low <= 0 <= interval.high:
        return UNKNOWN
    return MORE if interval.low > 0 else LESS


def over_all(tests: pd.DataFrame, margin: float) -> dict[str, object]:
    """Join the nets' tests of the primary endpoint; `analyses.units.units` states the rules.

    Args:
        tests: its rows of `tested`, one per net.
        margin: equivalence margin of its measure.

    Returns:
        `value`, `low` and `high`: the largest difference of a net and its interval, as the measure
        is signed; `rotation_p`, `equivalence_p` and `verdict`; `reason`, `n` and `networks`.
    """
    samples, networks = list(tests["signed"]), int(tests["networks"].min())
    sign = MEASURES[tests["measure"].iloc[0]].sign
    common = {"n": tests["n"].min(), "networks": networks}
    if not networks:
        none = dict.fromkeys(("value", "low", "high", "rotation_p", "equivalence_p"), np.nan)
        return none | common | {"verdict": None, "reason": next(iter(tests["reason"].dropna()))}
    largest, least = statistics.largest_mean(samples), statistics.least_mean(samples)
    equivalence_p = float(np.max(tests["equivalence_p"].to_numpy()))  # NaN if any net's is
    if np.isnan(equivalence_p):  # too few networks, or all of a net with the same difference
        largest = least = statistics.NONE
    low, high = sorted(sign * np.array(largest))
    verdict = UNKNOWN
    if equivalence_p <= LEVEL:
        verdict = EQUAL
    elif (largest.low > margin) != (least.high < -margin):
        verdict = MORE if largest.low > margin else LESS
    return common | {
        "value": sign * max(float(values.mean()) for values in samples), "low": low, "high": high,
        "rotation_p": float(np.min(statistics.holm(tests["rotation_p"]))),
        "equivalence_p": equivalence_p, "verdict": verdict, "reason": None,
    }  # fmt: skip
