"""Transfer: every victim's answers to every source's attacked images (Szegedy et al. 2013, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from blindspots.analyses.attacked import ORIGIN, sources, success_columns
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
"""The report set that it is in (`config.reporting`)."""

ROW_NAMES = ("{nets}", "{attacks}", "{nets} amplified to *")
COLUMNS = ("{victims}", "{victims} rejected", "success", "distortion")
"""Rows and columns of the table (`config.cells`)."""


def transfer(transfer: Frame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """Tables 2 and 4 of Szegedy et al. 2013.

    Args:
        transfer: with schema `measurements.transfer.TRANSFER`.
        labels: labels of nets, by name.

    Returns:
        Per source or control: the error of each victim in percent over all its images, and beside
        it the share that it rejects, where it rejects any; of sources the success of the attack in
        percent, over the images that do not meet its goal unaltered; the mean actual distortion of
        those of them that it fooled, of controls that of all.
    """
    found = pd.concat([*_rates(transfer, labels), *_lengths(transfer)])
    values = over_seeds(found, ["row", "column", "column_label", "unit"])
    shown = {row: _label(row, labels) for row in values["row"].unique()}
    return cells(values.assign(row_label=values["row"].map(shown)), labels)


def _rates(transfer: Frame, labels: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """Error of each victim on each row's images; and its rejection rate, if it ever rejects."""
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


def _lengths(transfer: Frame) -> list[pd.DataFrame]:
    """Success rate of attacks and length of their perturbations; for controls the length alone."""
    shown = parted(transfer).distinct([*ORIGIN, "seed", "victim_seed"])
    shown = shown[shown["seed"] == shown["victim_seed"]]
    shown = shown.assign(row=row_names(shown))
    made = shown.groupby(["row", "seed"], sort=False)["source"].count() > 0
    once = sources(transfer)
    success, lengths, _ = success_columns(once.assign(row=row_names(once)), made.index)
    return [success[made.to_numpy()], lengths.assign(column_label="distortion")]


def row_names(transfer: pd.DataFrame) -> list[str]:
    """The row of the paper's tables that each answer belongs to, such as "A amplified to 0.1"."""
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
