"""Effects of attacked images in one number each: success, distortion, errors of other nets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._hardest import least_advantages
from blindspots.analyses._pairs import NOISES, by_control, controls, pairs, with_noise
from blindspots.analyses.attacked import sources
from blindspots.analyses.kit import (
    IMAGE,
    NO_MEDIAN,
    NOT_FOOLED,
    cells,
    number,
    of_fewer,
    over_images,
)
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import REJECTED

Effect = tuple[str, str, pd.Series, str]
"""Name and label of a row, mean of each image (`IMAGE`), and unit."""

ROW_NAMES = (
    "success", "largest distortion", "error beyond noise", "error beyond noise in the box",
    "error by noise of equal length", "error by noise in the box of equal length",
    "error beyond clean", "error beyond clean amplified to *", "error by *", "advantage of *",
    "least advantage of *", "rejected",
)  # fmt: skip
COLUMNS = ("mean",)
"""Rows and columns of the table (`config.cells`)."""


CORNER = "effect"
"""Heading of the first column (`report.summaries`)."""


def effects(
    transfer: Frame,
    clean: Frame,
    radii: Frame,
    *,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Effects of attacked images on their own nets and on others, each averaged over images.

    Errors are differences, in percentage points, from another error on the same images. With
    several seeds the interval is Student's over the networks; with one, or if the networks of all
    seeds have the same mean, it is over the images and holds for these networks only: Student's, or
    the exact one of as many trials as there are images if these are all equal (`kit.over_images`).

    Args:
        transfer: answers to attacked images of one experiment, with schema
            `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        radii: transfer radii, with schema `measurements.sweep.RADII`.
        labels: display name of each net.

    Returns:
        Rows:

        * "success": success rate of the attacks in percent.
        * "largest distortion": largest mean distortion of a net, infinite if an attack failed on
          more than half of a net's images.
        * "error beyond noise", "error beyond clean": error of victims on others' images minus their
          error under noise of equal length, or minus their clean error; the latter also for images
          "amplified to" a distortion.
        * "error by noise of equal length", "error by" a control: minus the clean error.
        * "error beyond noise in the box", "error by noise in the box of equal length": the same for
          noise whose images are clipped to the box and scaled until they are as long; other noise
          may leave the box.
        * "advantage of" a victim: error beyond clean of the other victims minus its own.
        * "least advantage of" a victim: the same minus that of each other victim, on the sources
          that both have, and of these the least: above 0 if it is the hardest victim
          (`_hardest.least_advantages`).
        * "rejected": share of rejected answers, which are not errors, if there are any.
    """
    once = sources(transfer)
    once = once[once["source"].notna() & once["amplified_to"].isna()]
    success = _by_image(once.assign(value=100.0 * once["fooled"]))
    found = [
        ("success", "success of the attacks", success, "%"),
        ("largest distortion", "largest mean distortion", _distortion(once), "RMS per pixel"),
        *_errors(transfer, clean, radii, labels),
    ]
    rows = [_cell(*effect) for effect in found] + [*least_advantages(transfer, clean, labels)]
    outcomes = [rows["outcome"] for rows in parted(transfer).by("victim", ["outcome", "victim"])]
    if rejected := sum(int((of == REJECTED).sum()) for of in outcomes):
        share = {"value": 100 * (rejected / sum(map(len, outcomes))), "n": 0, "networks": 1}
        rows.append(_named("rejected", "answers rejected", "%") | share)
    return cells(pd.DataFrame(rows), {})


def _errors(
    transfer: Frame, clean: Frame, radii: Frame, labels: Mapping[str, str]
) -> Iterator[Effect]:
    victims = list(parted(transfer).distinct(["victim"])["victim"])
    found: dict[str, list[pd.Series]] = {}
    for others in with_noise(pairs(transfer, clean, by="index"), radii, by="index"):
        for name, rows in _of_others(others, victims):
            found.setdefault(name, []).append(_by_image(rows))
    for kind in NOISES:
        label = f"error on others' images − error by {kind} of equal length"
        yield f"error beyond {kind}", label, _joined(found[f"beyond {kind}"]), "points"
    for kind in NOISES:
        name = f"error by {kind} of equal length"
        yield name, f"{name} − clean error", _joined(found[kind]), "points"
    name, label = "error beyond clean", "error on others' images − clean error"
    yield name, label, _joined(found["beyond clean"]), "points"
    made = parted(transfer).distinct(["source", "attack", "amplified_to"])
    for scale in made["amplified_to"].dropna().unique():
        of = pairs(transfer, clean, by="index", amplified_to=scale)
        value = _joined([_by_image(rows.assign(value=rows["excess"])) for rows in of])
        told = f" amplified to {scale:g}"
        yield name + told, label + f",{told}", value, "points"
    for control in controls(transfer):
        shown = by_control(transfer, clean, control)
        value = _by_image(shown.assign(value=shown["excess"]))
        yield f"error by {control}", f"error by {control} − clean error", value, "points"
    for victim in victims:
        label = f"error of the other nets − error of {labels.get(victim, victim)}, beyond clean"
        value = _joined(found[f"advantage of {victim}"])
        if len(value):  # of two nets each is the only victim of the other
            yield f"advantage of {victim}", label, value, "points"


def _of_others(others: pd.DataFrame, victims: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Effects of others' images, for a part of the images, as rows with a `value`."""
    compared = others[others["perturbed"]]
    for kind, share in NOISES.items():
        by_noise = compared[share]
        yield f"beyond {kind}", compared.assign(value=100 * (compared["attacked"] - by_noise))
        yield kind, compared.assign(value=100 * (by_noise - compared["clean"]))
    yield "beyond clean", others.assign(value=others["excess"])
    every = others.groupby(["source", *IMAGE])["excess"].agg(["sum", "size"])
    for victim in victims:
        yield f"advantage of {victim}", _advantage(others, every, victim)


def _by_image(rows: pd.DataFrame) -> pd.Series:
    """Mean `value` of each image."""
    return rows.groupby(IMAGE)["value"].mean()


def _joined(means: Sequence[pd.Series]) -> pd.Series:
    return pd.concat(means).sort_index()


def _named(row: str, label: str, unit: str) -> dict[str, Any]:
    column = {"column": "mean", "column_label": "mean"}
    return {"row": row, "row_label": f"{label} ({unit})", "unit": unit} | column


def _cell(row: str, label: str, every: pd.Series, unit: str) -> dict[str, Any]:
    """Mean of an effect over images, then networks, with its interval."""
    per_image = every.dropna()
    values, kind = per_image.groupby("seed").mean(), "student"
    networks = len(values)
    if networks == 1:
        values, kind = per_image, "images"
    value, text, reason = float(values.mean()), None, "nothing was measured"
    interval: dict[str, Any] = {"low": np.nan, "high": np.nan, "interval": kind}
    if np.isfinite(value):
        interval = _interval(per_image, unit)
    if np.isinf(value):
        value, text, reason = np.nan, NOT_FOOLED, NO_MEDIAN
    elif 0 < len(per_image) < len(every):
        text = number(value, unit) + of_fewer(len(per_image), len(every))
    return _named(row, label, unit) | {
        **interval, "value": value, "text": text, "reason": reason,
        "n": len(per_image) // max(networks, 1), "networks": networks,
    }  # fmt: skip


def _interval(per_image: pd.Series, unit: str) -> dict[str, Any]:
    """Student's interval over networks; over the images of one if it is alone, or all are equal."""
    means = per_image.groupby("seed").mean().to_numpy()
    if np.ptp(means) > 0:
        return statistics.student(means)._asdict() | {"interval": "student"}
    each = [over_images(of.to_numpy(), unit) for _, of in per_image.groupby("seed")]
    ends = {"low": min(of["low"] for of in each), "high": max(of["high"] for of in each)}
    return each[0] | ends


def _distortion(rows: pd.DataFrame) -> pd.Series:
    """Distortion by image for the net with the largest mean; NaN where the attack failed.

    If the attack failed on more than half of a net's images, that net is used, with infinite
    distortions.
    """
    rows = rows.assign(value=rows["distortion"].where(rows["fooled"]))
    by = rows.groupby("source")
    endless = by["fooled"].transform("mean") < 0.5
    if endless.any():
        return _by_image(rows[endless].assign(value=np.inf))
    means = by["value"].transform("mean")
    return _by_image(rows[means == means.max()])


def _advantage(others: pd.DataFrame, every: pd.DataFrame, victim: str) -> pd.DataFrame:
    """Excess error of the other victims minus that of one victim, image by image.

    Args:
        others: a part of `pairs`.
        every: sum of the excess over all victims and their number, by source and image.
        victim: name of the victim.
    """
    keys = ["source", *IMAGE]
    own = others[others["victim"] == victim].set_index(keys)["excess"].sort_index()
    its = own.groupby(level=keys).agg(["sum", "size"])
    rest = every.loc[its.index] - its
    mean = (rest["sum"] / rest["size"]).dropna()  # of whole numbers: exact, whatever their order
    return (mean - own).dropna().rename("value").reset_index()
