"""Transfer in three readings: error, error minus clean error, and error minus noise error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses._joint import by_image, joint_rows
from blindspots.analyses._pairs import (
    NOISES,
    PAIR,
    arrow,
    by_control,
    controls,
    in_order,
    pairs,
    with_noise,
)
from blindspots.analyses.kit import cells, over_images, over_seeds
from blindspots.analyses.transfer import row_label
from blindspots.files.parts import Frame, parted

CORNER = "source → victim"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "directions",
    "place": 1,
    "title": "Transfer beyond clean error and beyond noise",
    "of": "Transfer beyond clean error and beyond noise: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

HEADLINE = {"noise": "Error of other nets minus their error under noise of the same length"}
"""Part of the table that the report's first screen shows (`report.headlines`)."""

NO_ROOM = "no noise of that length fits in the box"

CELL = [*PAIR, "column", "column_label", "unit", "n", "tried", "value", "low", "high", "interval",
        "reason"]  # fmt: skip

JOINT = ("noise", "clean")
"""Columns of the rows that join several pairs."""

ROW_NAMES = ("* → *", "victim {victims}", "median over pairs")
"""Rows of the table (`config.cells`); its columns are the keys of `COLUMNS`."""

COLUMNS = {
    "noise": ("error − noise error", "points"),
    "noise in the box": ("error − noise error in the box", "points"),
    "clean": ("error − clean error", "points"),
    "raw": ("error", "% error"),
    "rejected": ("rejected", "%"),
    "right noise": ("right images: error − noise error", "points"),
    "right raw": ("right images: error", "% error"),
    "p": ("p against clean (McNemar)", "p"),
}


def excess(
    transfer: Frame,
    clean: Frame,
    radii: Frame,
    *,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Part of the transfer error that is due to the perturbation's direction.

    Szegedy et al. 2013 print raw errors (Tables 2 and 4). Part of each is the victim's error on the
    unaltered images, and part is caused by any perturbation of the same length. Both are subtracted
    image by image: paired risk differences, in percentage points. "Right images" are those that
    neither source nor victim gets wrong unaltered; their clean error is 0. A rejection is not an
    error.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        radii: transfer radii, with schema `measurements.sweep.RADII`, for the answers to noise as
            long as each perturbation, which may leave the box or is kept in it.
        labels: display name of each net.

    Returns:
        A row per source and other victim; then, without the columns on noise and on right images, a
        row per source "amplified to" a distortion, or control, and victim. With the p value if
        there is one seed, and the share of rejected images if there are any. Then rows that join
        the pairs, for the columns `JOINT`: "victim V", the mean over its sources, and "median over
        pairs", which one victim cannot move far (`_joint.joint_rows`).
    """
    found: list[dict[str, Any]] = []
    images: dict[tuple[str, str, int], pd.DataFrame] = {}
    for part in with_noise(pairs(transfer, clean), radii):
        for (source, victim, seed), group in part.groupby(PAIR, sort=False):
            pair = {"source": source, "victim": victim, "seed": seed}
            found += [pair | cell for cell in _cells(group)]
            images[source, victim, seed] = _by_image(group)
    keys = ["source", "victim", "column", "column_label", "unit"]
    every = in_order(pd.DataFrame(found, columns=CELL), transfer)
    others = _others(transfer, clean)
    every = pd.concat([every, others], ignore_index=True) if len(others) else every
    if every["seed"].nunique() > 1:  # then a p value of each network says little
        every = every[every["column"] != "p"]
    if not every.loc[every["column"] == "rejected", "value"].any():
        every = every[every["column"] != "rejected"]
    values = over_seeds(every, keys)
    names = [arrow(s, v) for s, v in zip(values["source"], values["victim"], strict=True)]
    told = {name: row_label(name, labels) for name in values["source"].unique()}
    shown = [arrow(s, v, told) for s, v in zip(values["source"], values["victim"], strict=True)]
    values = values.assign(row=names, row_label=shown)
    ordered = zip(*(every[key] for key in PAIR), strict=True)
    joint = _joint({key: images[key] for key in ordered if key in images}, labels)
    return cells(pd.concat([values, *joint]), labels)


def _joint(
    images: Mapping[tuple[str, str, int], pd.DataFrame], labels: Mapping[str, str]
) -> Iterator[pd.DataFrame]:
    """Yield the rows that join several pairs, if there are several, column by column."""
    for column in JOINT:
        label, unit = COLUMNS[column]
        of: dict[int, dict[tuple[str, str], pd.Series]] = {}
        for (source, victim, seed), values in images.items():
            of.setdefault(seed, {})[source, victim] = values[column]
        if rows := [*joint_rows(of, labels, unit)]:
            named = pd.DataFrame(rows).assign(column=column, column_label=label)
            yield over_seeds(named, ["row", "row_label", "column", "column_label", "unit"])


def _by_image(group: pd.DataFrame) -> pd.DataFrame:
    """Values by image of the columns `JOINT`, for one source, victim and seed."""
    noise = 100 * (group["attacked"].astype(float) - group["noise"])
    return by_image(pd.DataFrame({"noise": noise, "clean": group["excess"]}), group)


def _others(transfer: Frame, clean: Frame) -> pd.DataFrame:
    """Cells of amplified images and of controls, compared with the clean error alone."""
    found = []
    scales = parted(transfer).distinct(["amplified_to"])["amplified_to"].dropna().unique()
    for scale in scales:
        parts = [_beyond_clean(part) for part in pairs(transfer, clean, amplified_to=scale)]
        rows = in_order(pd.concat(parts), transfer)
        found.append(rows.assign(source=rows["source"] + f" amplified to {scale:g}"))
    for control in controls(transfer):
        rows = by_control(transfer, clean, control)
        found.append(_beyond_clean(rows.assign(source=control)))
    return pd.concat(found) if found else pd.DataFrame()


def _beyond_clean(rows: pd.DataFrame) -> pd.DataFrame:
    """Cells of each source, victim and seed, without those on noise and on right images."""
    found = [
        {"source": source, "victim": victim, "seed": seed} | cell
        for (source, victim, seed), group in rows.groupby(PAIR, sort=False)
        for cell in (*_against_clean(group), _p(group))
    ]
    return pd.DataFrame(found, columns=CELL)


def _cell(column: str, n: int, value: float, **interval: Any) -> dict[str, Any]:
    label, unit = COLUMNS[column]
    given = {"column": column, "column_label": label, "unit": unit, "n": n, "value": value}
    return given | {"low": np.nan, "high": np.nan, "interval": None} | interval


def _against_clean(group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Cells of the error and the rejection rate, for one seed."""
    low, high = statistics.paired(group["attacked"].to_numpy(), group["clean"].to_numpy())
    ends = {"low": 100 * low, "high": 100 * high, "interval": "paired"}
    yield _cell("clean", len(group), group["excess"].mean(), **ends)
    yield _cell("raw", len(group), 100 * group["attacked"].mean())
    yield _cell("rejected", len(group), 100 * group["rejected"].mean())


def _p(group: pd.DataFrame) -> dict[str, Any]:
    p = statistics.mcnemar_p(group["attacked"].to_numpy(), group["clean"].to_numpy())
    return _cell("p", len(group), p)


def _cells(group: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Cells of one source and victim, for one seed."""
    attacked, clean = group["attacked"].to_numpy(), group["clean"].to_numpy()
    right = ~clean & ~group["source_clean"].to_numpy()
    perturbed = group["perturbed"].to_numpy()
    noise = {kind: group[kind].to_numpy() for kind in NOISES.values()}
    reached = {kind: np.isfinite(share) for kind, share in noise.items()}

    def beyond_noise(column: str, kind: str, among: np.ndarray) -> dict[str, Any]:
        at, tried = among & reached[kind], int((among & perturbed).sum())
        if not at.any():
            why = "no attack succeeded" if among.any() else "no image that both nets get right"
            why = NO_ROOM if (among & reached["noise"]).any() else why
            return _cell(column, 0, np.nan, tried=tried, reason=why)
        difference = 100 * (attacked[at] - noise[kind][at])
        interval = over_images(difference, "points")
        return _cell(column, int(at.sum()), difference.mean(), tried=tried, **interval)

    for column, kind in NOISES.items():
        yield beyond_noise(column, kind, np.ones_like(clean))
    yield from _against_clean(group)
    yield beyond_noise("right noise", "noise", right)
    if right.any():
        yield _cell("right raw", int(right.sum()), 100 * attacked[right].mean())
    else:
        yield _cell("right raw", 0, np.nan, reason="no image that both nets get right")
    yield _p(group)
