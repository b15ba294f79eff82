"""The effects of attacked images in one number each: success, length, errors of other nets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._clean import NO_CLASSES
from blindspots.analyses._pairs import IMAGE, pairs, with_noise
from blindspots.analyses.attacked import sources
from blindspots.analyses.kit import NO_MEDIAN, NOT_FOOLED, cells, number, of_fewer
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import REJECTED, WRONG

Effect = tuple[str, str, pd.Series, str]
"""A row's name and label, means by image (`IMAGE`), and their unit."""

ROW_NAMES = (
    "success", "largest distortion", "error beyond noise", "error by noise of equal length",
    "error beyond clean", "error beyond clean amplified to *", "error by *", "advantage of *",
    "rejected",
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
    once = sources(transfer)
    once = once[once["source"].notna() & once["amplified_to"].isna()]
    success = _by_image(once.assign(value=100.0 * once["fooled"]))
    found = [
        ("success", "success of the attacks", success, "%"),
        ("largest distortion", "largest mean distortion", _distortion(once), "RMS per pixel"),
        *_errors(transfer, clean, radii, labels),
    ]
    rows = [_cell(*effect) for effect in found]
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
    for others in pairs(transfer, clean, by="index"):
        for name, rows in _of_others(others, radii, victims):
            found.setdefault(name, []).append(_by_image(rows))
    label = "error on others' images − error by noise of equal length"
    yield "error beyond noise", label, _joined(found["beyond noise"]), "points"
    name, label = "error by noise of equal length", "error by noise of equal length − clean error"
    yield name, label, _joined(found["noise"]), "points"
    name, label = "error beyond clean", "error on others' images − clean error"
    yield name, label, _joined(found["beyond clean"]), "points"
    made = parted(transfer).distinct(["source", "attack", "amplified_to"])
    for scale in made["amplified_to"].dropna().unique():
        of = pairs(transfer, clean, by="index", amplified_to=scale)
        value = _joined([_by_image(rows.assign(value=rows["excess"])) for rows in of])
        told = f" amplified to {scale:g}"
        yield name + told, label + f",{told}", value, "points"
    for control in made.loc[made["source"].isna(), "attack"].unique():
        value = _by_control(transfer, clean, control)
        yield f"error by {control}", f"error by {control} − clean error", value, "points"
    for victim in victims:
        label = f"error of the other nets − error of {labels.get(victim, victim)}, beyond clean"
        value = _joined(found[f"advantage of {victim}"])
        if len(value):  # of two nets each is the only victim of the other
            yield f"advantage of {victim}", label, value, "points"


def _of_others(
    others: pd.DataFrame, radii: Frame, victims: Sequence[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The effects of others' images, some images at a time, with a `value` each."""
    compared = with_noise(others, radii, by="index")
    compared = compared[compared["perturbed"]]
    yield "beyond noise", compared.assign(value=100 * (compared["attacked"] - compared["noise"]))
    yield "noise", compared.assign(value=100 * (compared["noise"] - compared["clean"]))
    yield "beyond clean", others.assign(value=others["excess"])
    every = others.groupby(["source", *IMAGE])["excess"].agg(["sum", "size"])
    for victim in victims:
        yield f"advantage of {victim}", _advantage(others, every, victim)


def _by_image(rows: pd.DataFrame) -> pd.Series:
    """The mean `value` of each image."""
    return rows.groupby(IMAGE)["value"].mean()


def _joined(means: Sequence[pd.Series]) -> pd.Series:
    return pd.concat(means).sort_index()


def _named(row: str, label: str, unit: str) -> dict[str, Any]:
    column = {"column": "mean", "column_label": "mean"}
    return {"row": row, "row_label": f"{label} ({unit})", "unit": unit} | column


def _cell(row: str, label: str, every: pd.Series, unit: str) -> dict[str, Any]:
    """The mean of an effect over images, then networks, with its interval."""
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


def _distortion(rows: pd.DataFrame) -> pd.Series:
    """Distortion of the attacked images of the net with the largest mean.

    Infinite where the attack failed on more than half of a net's images, none where it failed.
    """
    rows = rows.assign(value=rows["distortion"].where(rows["fooled"]))
    by = rows.groupby("source")
    endless = by["fooled"].transform("mean") < 0.5
    if endless.any():
        return _by_image(rows[endless].assign(value=np.inf))
    means = by["value"].transform("mean")
    return _by_image(rows[means == means.max()])


SHOWN = ["source", "attack", "victim", "victim_seed", *IMAGE, "outcome"]
"""Columns of the table of transfer that tell of a control."""


def _by_control(transfer: Frame, clean: Frame, control: str) -> pd.Series:
    """Victims' errors on the images of a control beyond their clean errors."""
    rows = parted(transfer).of("attack", [control], SHOWN)
    rows = rows[rows["source"].isna() & (rows["seed"] == rows["victim_seed"])]
    known = parted(clean).frame(["net", *IMAGE, "outcome", "status"])
    known = known[known["status"] != NO_CLASSES]
    known = known.rename(columns={"net": "victim", "outcome": "unaltered"})
    rows = rows.merge(known[["victim", *IMAGE, "unaltered"]], on=["victim", *IMAGE])
    wrong, before = (rows[outcome] == WRONG for outcome in ("outcome", "unaltered"))
    return _by_image(rows.assign(value=100.0 * (wrong.astype(int) - before.astype(int))))


def _advantage(others: pd.DataFrame, every: pd.DataFrame, victim: str) -> pd.DataFrame:
    """Excess error of the other victims minus that of a net, image by image.

    Args:
        others: of `pairs`.
        every: by source and image the sum over all victims, and how many there are.
        victim: the net.
    """
    keys = ["source", *IMAGE]
    own = others[others["victim"] == victim].set_index(keys)["excess"].sort_index()
    its = own.groupby(level=keys).agg(["sum", "size"])
    rest = every.loc[its.index] - its
    mean = (rest["sum"] / rest["size"]).dropna()  # of whole numbers: exact, whatever their order
    return (mean - own).dropna().rename("value").reset_index()
