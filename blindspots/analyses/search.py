"""Results and cost of a search over settings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from blindspots.analyses._clean import answers_on, error_columns
from blindspots.analyses.kit import cells, over_seeds
from blindspots.interface import InputError

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

ALL = "the search"
"""Row of all trainings together."""

ROW_NAMES = ("{nets}", "the search")
COLUMNS = ("error", "validation rejected", "validation unanswered", "seconds", "mark")
"""Rows and columns of the table (`config.cells`)."""


def search(
    history: pd.DataFrame,
    clean: pd.DataFrame,
    split: pd.DataFrame,
    *,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Variants by their error on the validation part, the best first.

    No other part is used: the parts that are reported must not choose the settings.

    Args:
        history: history of all trainings (see `trainers.table`).
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
        labels: display name of each net.

    Returns:
        A row per net: its error in percent, the share of rejected images (not errors) if any net
        rejects one, and the seconds of a training; with a mark at the lowest error. The last row is
        the whole search: the number of trainings and the sum of their seconds.

    Raises:
        InputError: no images in the validation part.
    """
    answers = answers_on("validation", clean, split)
    if answers.empty:
        raise InputError(
            "splits.validation: expected images to judge the search by, found none; enlarge it"
        )
    rates = pd.concat(error_columns("validation", clean, split)).replace(
        {"column": {"validation": "error"}}
    )
    ends = history.groupby(["net", "seed"], sort=False)["seconds"].last()
    seconds = ends.to_frame("value").assign(
        n=0, column="seconds", column_label="seconds of a training", unit="s"
    )
    found = pd.concat([rates, seconds.reset_index()]).rename(columns={"net": "row"})
    values = over_seeds(found, ["row", "column", "column_label", "unit"])
    errors = (
        values[values["column"] == "error"].set_index("row")["value"].sort_values(kind="stable")
    )
    order = {net: place for place, net in enumerate(errors.index)}
    values = values.sort_values("row", key=lambda rows: rows.map(order), kind="stable")
    values["row_label"] = [labels.get(row, row) for row in values["row"]]
    shared = {"row": ALL, "row_label": ALL, "n": 0, "networks": 0}
    marks = [
        {
            "row": errors.index[0], "row_label": labels.get(errors.index[0], errors.index[0]),
            "column": "mark", "column_label": "", "unit": "", "text": "lowest error", "n": 0,
            "networks": 0,
        },
        shared | {"column": "seconds", "column_label": "seconds of a training", "unit": "s",
                  "value": float(ends.sum())},
        shared | {"column": "mark", "column_label": "", "unit": "", "value": np.nan,
                  "text": f"{len(ends)} trainings"},
    ]  # fmt: skip
    return cells(pd.concat([values, pd.DataFrame(marks)], ignore_index=True), labels)
