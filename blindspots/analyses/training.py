"""Final loss, error and status of each training."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses.kit import cells, over_seeds

REPORT = {
    "set": "standard",
    "place": 3,
    "title": "Trainings",
    "of": "Trainings of {}",
}
"""The report set that it is in (`config.reporting`)."""

COLUMNS = {
    "iteration": ("iterations", ""),
    "loss": ("loss", ""),
    "gradient_norm": ("gradient norm", ""),
    "converged": ("converged", "% of trainings"),
}


def training(history: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """The last row of every training's history.

    Args:
        history: rows of all trainings, as `trainers.table` describes.
        labels: labels of nets, by name.

    Returns:
        Per net: iterations, loss and gradient norm at the end, and the share of its trainings that
        ended converged, not at the iteration limit.
    """
    ends = history.groupby(["net", "seed"], sort=False).tail(1)
    ends = ends.reindex(
        columns=["net", "seed", "status", *COLUMNS]
    )  # trainers report what they have
    ends = ends.assign(converged=100.0 * (ends["status"] == "CONVERGED"), row=ends["net"], n=0)
    found = [
        ends.assign(column=column, column_label=label, unit=unit, value=ends[column].astype(float))
        for column, (label, unit) in COLUMNS.items()
    ]
    return cells(over_seeds(pd.concat(found), ["row", "column", "column_label", "unit"]), labels)
