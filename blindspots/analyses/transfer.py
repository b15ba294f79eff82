"""Every victim's answer to every source's attacked images (Szegedy et al. 2013, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses._summary import cells, over_seeds


def transfer(
    transfer: pd.DataFrame, *, labels: Mapping[str, str], paper: str | None = None
) -> pd.DataFrame:
    """Tables 2 and 4 of Szegedy et al. 2013.

    Args:
        transfer: with schema `_tables.TRANSFER`.
        labels: of nets, by name.
        paper: the paper's table.

    Returns:
        Per source or control: the error of each victim in percent over all its images, and the mean
        actual distortion.
    """
    transfer = transfer[transfer["seed"] == transfer["victim_seed"]]
    rows = transfer.assign(
        row=row_names(transfer), wrong=transfer["prediction"] != transfer["label"]
    )
    rate = rows.groupby(["row", "victim", "seed"], sort=False)["wrong"].agg(["mean", "size"])
    rate = rate.reset_index().rename(columns={"victim": "column", "size": "n"})
    rate = rate.assign(value=rate["mean"] * 100, unit="% error")
    size = rows.drop_duplicates(["row", "seed", "file", "index"]).groupby(
        ["row", "seed"], sort=False
    )
    actual = size["distortion"].agg(["mean", "count"]).reset_index()
    actual = actual.rename(columns={"mean": "value", "count": "n"})
    actual = actual.assign(column="distortion", unit="RMS per pixel", reason="no attack succeeded")
    values = over_seeds(pd.concat([rate, actual]), ["row", "column", "unit"])
    row_labels = {row: _label(row, labels) for row in values["row"].unique()}
    return cells(values.assign(row_label=values["row"].map(row_labels)), labels, paper)


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
