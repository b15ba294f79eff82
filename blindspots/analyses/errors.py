"""Clean errors of nets on the parts of a split, and the distortion that fools each net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import pandas as pd

from blindspots.analyses._clean import error_columns
from blindspots.analyses.attacked import success_columns, tried
from blindspots.analyses.kit import cells, over_seeds
from blindspots.analyses.masking import ALL_INSIDE, Unclipped, warnings
from blindspots.files.parts import Frame, parted
from blindspots.limits import one_of_its, some

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "standard",
    "place": 1,
    "title": "Errors, and the distortions found",
    "of": "Errors of {}, and the distortions found",
}
"""Place and titles in a report set (`config.reporting`)."""

HEADLINE = {"distortion": "Average distortion of the perturbed images"}
"""Part of the table that the report's first screen shows (`report.headlines`)."""

ROW_NAMES = ("{nets}",)
COLUMNS = (
    "{parts}", "{parts} rejected", "{parts} unanswered", "success", "distortion",
    "pooled distortion", "mean distortion", "warning",
)  # fmt: skip
"""Rows and columns of the table (`config.cells`)."""


def errors(
    clean: Frame,
    split: pd.DataFrame,
    attacks: pd.DataFrame,
    transfer: Frame,
    *,
    parts: Annotated[Sequence[Annotated[str, one_of_its("parts")]], some()],
    average: Literal["mean", "pooled"] = "mean",
    labels: Mapping[str, str],
    unclipped: Unclipped = ALL_INSIDE,
) -> pd.DataFrame:
    """Tables 1 and 3 of Szegedy et al. 2013.

    Args:
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
        attacks: attacked images, a row each.
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`, for
            signs of masked gradients.
        parts: parts of the split whose error is shown, such as ["train", "test"].
        average: average in the column "distortion", beside which a paper's figure stands: the mean
            over images, or the root of their mean square ("pooled").
        labels: display name of each net.
        unclipped: what may leave the box, for the same signs.

    Returns:
        A row per net: the error on each part in percent, followed by the share of rejected images
        if a net rejects any; the attack's success rate in percent, over the images that the net
        gets right unaltered (`attacked.tried`); the chosen average of the fooled images'
        distortions, RMS per pixel, and the other one; and a warning if gradients look masked
        (`masking.signs`).
    """
    keys = ["row", "column", "column_label", "unit"]
    found = [column for part in parts for column in error_columns(part, clean, split)]
    nets = attacks.groupby(["net", "seed"], sort=False).size().index
    found += success_columns(tried(attacks), nets, average)
    values = over_seeds(pd.concat(found).rename(columns={"net": "row"}), keys)
    order = {net: place for place, net in enumerate(parted(clean).distinct(["net"])["net"])}
    values = values.sort_values("row", key=lambda rows: rows.map(order), kind="stable")
    return cells(pd.concat([values, warnings(attacks, transfer, clean, unclipped)]), labels)
