"""Transfer: every victim's errors on every source's attacked images (Szegedy et al. 2013, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import pandas as pd

from blindspots.analyses.attacked import ORIGIN, Average, sources, success_columns
from blindspots.analyses.kit import SHARES, cells, over_seeds, rates
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import REJECTED, WRONG

CORNER = "images made for / error (%) of"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "standard",
    "place": 2,
    "title": "Errors on the images made for each net",
    "of": "Errors on the images made for each net: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

ROW_NAMES = ("{nets}", "{attacks}", "{nets} amplified to *")
COLUMNS = ("{victims}", "{victims} rejected", "success", "distortion")
"""Rows and columns of the table (`config.cells`)."""


def transfer(
    transfer: Frame,
    *,
    average: Literal["mean", "pooled"] = "mean",
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Tables 2 and 4 of Szegedy et al. 2013.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.
        average: average in the column "distortion", beside which a paper's figure stands: the mean
            over images, or the root of their mean square ("pooled").
        labels: display name of each net.

    Returns:
        A row per source or control: each victim's error in percent over all images of the row,
        followed by the share that it rejects if it rejects any; for sources the attack's success
        rate in percent, over the images that the source gets right unaltered; and the average
        actual distortion of the fooled images, or of all images of a control.
    """
    found = pd.concat([*_rates(transfer, labels), *_lengths(transfer, average)])
    values = over_seeds(found, ["row", "column", "column_label", "unit"])
    shown = {row: _label(row, labels) for row in values["row"].unique()}
    return cells(values.assign(row_label=values["row"].map(shown)), labels)


def _rates(transfer: Frame, labels: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """Error of each victim on each row's images, and its rejection rate if it ever rejects."""
    wanted = [*ORIGIN, "seed", "victim", "victim_seed", "outcome", *SHARES.values()]
    for rows in parted(transfer).by("victim", wanted):
        rows = rows[rows["seed"] == rows["victim_seed"]]
        answered = {"wrong": rates(rows, WRONG), "rejected": rates(rows, REJECTED)}
        yield from _rates_of(rows.assign(row=row_names(rows), **answered), labels)


def _rates_of(rows: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    for victim, seen in rows.groupby("victim", sort=False):
        of, label = seen.groupby(["row", "seed"], sort=False), labels.get(victim, victim)
        for column, title, unit, value in (
            (victim, label, "% error", of["wrong"].mean()),
            (f"{victim} rejected", f"{label} rejected", "%", of["rejected"].mean()),
        ):
            if unit == "% error" or seen["rejected"].any():
                frame = pd.DataFrame({"value": 100 * value, "n": of.size()}).reset_index()
                yield frame.assign(column=column, column_label=title, unit=unit)


def _lengths(transfer: Frame, average: Average) -> list[pd.DataFrame]:
    """Success rate and average distortion of attacks; for controls only the distortion."""
    shown = parted(transfer).distinct([*ORIGIN, "seed", "victim_seed"])
    shown = shown[shown["seed"] == shown["victim_seed"]]
    shown = shown.assign(row=row_names(shown))
    made = shown.groupby(["row", "seed"], sort=False)["source"].count() > 0
    once = sources(transfer)
    success, lengths, _ = success_columns(once.assign(row=row_names(once)), made.index, average)
    label = "distortion" if average == "mean" else "pooled distortion"
    return [success[made.to_numpy()], lengths.assign(column_label=label)]


def row_names(transfer: pd.DataFrame) -> list[str]:
    """Name of each answer's row in the paper's tables, such as "A amplified to 0.1"."""
    groups = transfer.groupby(ORIGIN, dropna=False, sort=False)
    names = [
        (attack if pd.isna(source) else source)
        + ("" if pd.isna(scale) else f" amplified to {scale:g}")
        for source, attack, scale in groups.size().index
    ]
    return [names[number] for number in groups.ngroup()]


def _label(row: str, labels: Mapping[str, str]) -> str:
    net, amplified, scale = row.partition(" amplified to ")
    return labels.get(net, net) + amplified + scale
