"""Transfer: every victim's answers to every source's attacked images (Szegedy et al. 2013, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from blindspots.analyses.attacked import sources, success_columns
from blindspots.analyses.kit import cells, over_seeds, rates
from blindspots.threat.outcomes import REJECTED, WRONG

REPORT = {
    "set": "standard",
    "place": 2,
    "title": "How often each net errs on each one's attacked images",
    "of": "How often each net errs on each one's attacked images: {}",
}
"""The report set that it is in (`config.reporting`)."""


def transfer(transfer: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
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
    transfer = transfer[transfer["seed"] == transfer["victim_seed"]]
    rows = transfer.assign(row=row_names(transfer))
    found = pd.concat([*_rates(rows, labels), *_lengths(rows)])
    values = over_seeds(found, ["row", "column", "column_label", "unit"])
    shown = {row: _label(row, labels) for row in values["row"].unique()}
    return cells(values.assign(row_label=values["row"].map(shown)), labels)


def _rates(rows: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    """Error of each victim on each row's images; and its rejection rate, if it ever rejects."""
    rows = rows.assign(wrong=rates(rows, WRONG), rejected=rates(rows, REJECTED))
    for victim, seen in rows.groupby("victim", sort=False):
        of, label = seen.groupby(["row", "seed"], sort=False), labels.get(victim, victim)
        for column, title, unit, value in (
            (victim, label, "% error", of["wrong"].mean()),
            (f"{victim} rejected", f"{label} rejected", "%", of["rejected"].mean()),
        ):
            if unit == "% error" or seen["rejected"].any():
                frame = pd.DataFrame({"value": 100 * value, "n": of.size()}).reset_index()
                yield frame.assign(column=column, column_label=title, unit=unit)


def _lengths(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Success rate of attacks and length of their perturbations; for controls the length alone."""
    made = rows.groupby(["row", "seed"], sort=False)["source"].count() > 0
    success, lengths, _ = success_columns(sources(rows), made.index)
    return [success[made.to_numpy()], lengths.assign(column_label="distortion")]


def row_names(transfer: pd.DataFrame) -> list[str]:
    """The row of the paper's tables that each answer belongs to, such as "A amplified to 0.1"."""
    origin = ["source", "attack", "amplified_to"]
    groups = transfer.groupby(origin, dropna=False, sort=False)
    names = [
        (attack if pd.isna(source) else source)
        + ("" if pd.isna(scale) else f" amplified to {scale:g}")
        for source, attack, scale in groups.size().index
    ]
    return [names[number] for number in groups.ngroup()]


def _label(row: str, labels: Mapping[str, str]) -> str:
    net, amplified, scale = row.partition(" amplified to ")
    return labels.get(net, net) + amplified + scale
