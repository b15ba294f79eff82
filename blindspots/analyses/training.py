"""Final loss, error and status of each training."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses.kit import cells, over_seeds

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "standard",
    "place": 3,
    "title": "Trainings",
    "of": "Trainings of {}",
}
"""Place and titles in a report set (`config.reporting`)."""

ROW_NAMES = ("{nets}",)
"""Rows of the table (`config.cells`); its columns are the keys of `COLUMNS`."""

COLUMNS = {
    "iteration": ("iterations", ""),
    "loss": ("loss", ""),
    "gradient_norm": ("gradient norm", ""),
    "converged": ("converged", "% of trainings"),
}
NOT_RECORDED = "not recorded by this trainer"
NO_CRITERION = "not tested: this training ends after a fixed number of epochs"


def training(history: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """Last row of every training's history.

    Args:
        history: history of all trainings (see `trainers.table`).
        labels: display name of each net.

    Returns:
        A row per net: iterations, loss and gradient norm at the end, and, of its trainings with a
        convergence criterion, the share that met it.
    """
    ends = history.groupby(["net", "seed"], sort=False).tail(1)
    ends = ends.reindex(
        columns=["net", "seed", "status", *COLUMNS]
    )  # not every trainer reports all
    converged = 100.0 * (ends["status"] == "CONVERGED")
    tested = ends["status"] != "COMPLETED"
    ends = ends.assign(converged=converged.where(tested), row=ends["net"], n=0)
    found = [
        ends.assign(
            column=column, column_label=label, unit=unit, value=ends[column].astype(float),
            reason=NO_CRITERION if column == "converged" else NOT_RECORDED,
        )
        for column, (label, unit) in COLUMNS.items()
    ]  # fmt: skip
    return cells(over_seeds(pd.concat(found), ["row", "column", "column_label", "unit"]), labels)
