"""The effects of attacked images in one number each: success, length, errors of other nets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._clean import NO_CLASSES
from blindspots.analyses._pairs import IMAGE, pairs, with_noise
from blindspots.analyses.attacked import sources
from blindspots.analyses.kit import NO_MEDIAN, NOT_FOOLED, cells, number, of_fewer
from blindspots.threat.outcomes import REJECTED, WRONG

Effect = tuple[str, str, pd.DataFrame, str]
"""A row's name and label, values by image (`seed`, `file`, `index`, `value`), and their unit."""


def effects(
    transfer: pd.DataFrame,
    clean: pd.DataFrame,
    radii: pd.DataFrame,
    *,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """The effects of attacked images on their own nets and on others, each averaged over images.

    Errors are in percentage points beyond another error on the same images. The interval is
    Student's over the networks of several seeds, over the images of one: then it is of these
    networks alone.

    Args:
        transfer: with schema `measurements.transfer.TRANSFER`, of one experiment.
        clean: with schema `threat.answers.CLEAN`.
        radii: with schema `measurements.sweep.RADII`.
        labels: labels of nets, by name.

    Returns:
        Rows: "success" of the attacks in percent; "largest distortion", the mean of the net with
        the largest, infinite where an attack failed on more than half of a net's images; "error
        beyond noise" as long as the perturbation, and "error beyond clean", of victims on others'
        images, also of those "amplified to" a length; "error by noise of equal length" and "error
        by" a control, beyond clean;
        "advantage of" a victim: by how much less than the others it errs beyond clean; "rejected",
        the share of rejected answers, which are not errors, if there are any.
    """
    found = [
        ("success", "success of the attacks", _success(transfer), "%"),
        ("largest distortion", "largest mean distortion", _distortion(transfer), "RMS per pixel"),
        *_errors(transfer, clean, radii, labels),
    ]
    rows = [_cell(*effect) for effect in found]
    if (rejected := transfer["outcome"] == REJECTED).any():
        share = {"value": 100 * rejected.mean(), "n": 0, "networks": 1}
        rows.append(_named("rejected", "answers rejected", "%") | share)
    return cells(pd.DataFrame(rows), {})


def _errors(
    transfer: pd.DataFrame, clean: pd.DataFrame, radii: pd.DataFrame, labels: Mapping[str, str]
) -> Iterator[Effect]:
    others = pairs(transfer, clean)
    compared = with_noise(others, radii)
    compared = compared[compared["perturbed"]]
    beyond = compared.assign(value=100 * (compared["attacked"] - compared["noise"]))
    yield (
        "error beyond noise",
        "error on others' images − error by noise of equal length",
        beyond,
        "points",
    )
    noise = compared.assign(value=100 * (compared["noise"] - compared["clean"]))
    label = "error by noise of equal length − clean error"
    yield "error by noise of equal length", label, noise, "points"
    name, label = "error beyond clean", "error on others' images − clean error"
    yield name, label, others.assign(value=others["excess"]), "points"
    for scale in transfer["amplified_to"].dropna().unique():
        of = pairs(_amplified(transfer, scale), clean)
        told = f" amplified to {scale:g}"
        yield name + told, label + f",{told}", of.assign(value=of["excess"]), "points"
    for control in transfer.loc[transfer["source"].isna(), "attack"].unique():
        value = _by_control(transfer, clean, control)
        yield f"error by {control}", f"error by {control} − clean error", value, "points"
    for victim in transfer["victim"].unique():
        label = f"error of the other nets − error of {labels.get(victim, victim)}, beyond clean"
        value = _advantage(others, victim)
        if len(value):  # of two nets each is the only victim of the other
            yield f"advantage of {victim}", label, value, "points"


def _named(row: str, label: str, unit: str) -> dict[str, Any]:
    column = {"column": "mean", "column_label": "mean"}
    return {"row": row, "row_label": f"{label} ({unit})", "unit": unit} | column


def _cell(row: str, label: str, images: pd.DataFrame, unit: str) -> dict[str, Any]:
    """The mean of an effect over images, then networks, with its interval."""
    every = images.groupby(IMAGE)["value"].mean()
    per_image = every.dropna()
    values, kind = per_image.groupby("seed").mean(), "student"
    networks = len(values)
    if networks == 1:
        values, kind = per_image, "images"
    value, text, reason = float(values.mean()), None, "nothing was measured"
    endless = np.isinf(value)
    interval = statistics.NONE if endless else statistics.student(values.to_numpy())
    if endless:
        value, text, reason = np.nan, NOT_FOOLED, NO_MEDIAN
    elif 0 < len(per_image) < len(every):
        text = number(value, unit) + of_fewer(len(per_image), len(every))
    return _named(row, label, unit) | {
        "value": value, "low": interval.low, "high": interval.high, "interval": kind,
        "text": text, "reason": reason, "n": len(per_image) // max(networks, 1),
        "networks": networks,
    }  # fmt: skip


def _success(transfer: pd.DataFrame) -> pd.DataFrame:
    rows = _attacked(transfer)
    return rows.assign(value=100.0 * rows["fooled"])


def _distortion(transfer: pd.DataFrame) -> pd.DataFrame:
    """Distortion of the attacked images of the net with the largest mean.

    Infinite where the attack failed on more than half of a net's images, none where it failed.
    """
    rows = _attacked(transfer)
    rows = rows.assign(value=rows["distortion"].where(rows["fooled"]))
    by = rows.groupby("source")
    endless = by["fooled"].transform("mean") < 0.5
    if endless.any():
        return rows[endless].assign(value=np.inf)
    means = by["value"].transform("mean")
    return rows[means == means.max()]


def _attacked(transfer: pd.DataFrame) -> pd.DataFrame:
    """The attacked images as `attacked.sources` has them, not those of controls or amplified."""
    return sources(transfer[transfer["source"].notna() & transfer["amplified_to"].isna()])


def _amplified(transfer: pd.DataFrame, scale: float) -> pd.DataFrame:
    return transfer[transfer["amplified_to"] == scale].assign(amplified_to=np.nan)


def _by_control(transfer: pd.DataFrame, clean: pd.DataFrame, control: str) -> pd.DataFrame:
    """Victims' errors on the images of a control beyond their clean errors."""
    own = transfer["source"].isna() & (transfer["attack"] == control)
    rows = transfer[own & (transfer["seed"] == transfer["victim_seed"])]
    known = clean[clean["status"] != NO_CLASSES]
    known = known.rename(columns={"net": "victim", "outcome": "unaltered"})
    rows = rows.merge(known[["victim", *IMAGE, "unaltered"]], on=["victim", *IMAGE])
    wrong, before = (rows[outcome] == WRONG for outcome in ("outcome", "unaltered"))
    return rows.assign(value=100.0 * (wrong.astype(int) - before.astype(int)))


def _advantage(others: pd.DataFrame, victim: str) -> pd.DataFrame:
    """Excess error of the other victims minus that of a net, image by image."""
    keys = ["source", *IMAGE]
    own = others[others["victim"] == victim].set_index(keys)["excess"]
    rest = others[others["victim"] != victim].groupby(keys)["excess"].mean()
    return (rest - own).dropna().rename("value").reset_index()
