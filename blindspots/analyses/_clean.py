"""Answers to unaltered images, by part of the split."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from blindspots.analyses.kit import IMAGE, NETS_IMAGE, SHARES, rates
from blindspots.files.parts import Frame, parted
from blindspots.files.splits import SUBSETS, column_of
from blindspots.interface import Status
from blindspots.threat.outcomes import REJECTED, WRONG

NO_CLASSES = Status.UNSUPPORTED.name
"""Status of answers by a net that does not classify."""


def answers_on(part: str, clean: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `clean` for a part, with `wrong`, `rejected` and `unanswered`.

    Nets that do not classify are left out.

    Args:
        part: a part of the split.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
    """
    there = split.loc[has(part, split), IMAGE]
    found = clean[clean["status"] != NO_CLASSES].merge(there, on=IMAGE)
    return found.assign(
        wrong=rates(found, WRONG),
        rejected=rates(found, REJECTED),
        unanswered=found["outcome"].isna(),
    )


def has(part: str, split: pd.DataFrame) -> pd.Series:
    """Return whether a part has each image of a split, (n,) bool."""
    its = split[column_of(part)]
    return its.isin(SUBSETS[part]) if part in SUBSETS else its


READ = [*NETS_IMAGE, "status", "outcome", *SHARES.values()]
"""Columns of `threat.answers.CLEAN` that are read for errors."""


def error_columns(part: str, clean: Frame, split: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Error, rejection rate and rate of non-finite answers on a part, per net and seed, in percent.

    The last two are left out if they are 0 for all nets.

    Args:
        part: a part of the split.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.

    Yields:
        Values for `kit.over_seeds`, with `net` as the row.
    """
    keys = ["net", "seed"]
    answers = [answers_on(part, rows, split) for rows in parted(clean).by("net", READ)]
    kinds = ["wrong", "rejected", "unanswered"]
    means = pd.concat([rows.groupby(keys, sort=False)[kinds].mean() for rows in answers])
    sizes = pd.concat([rows.groupby(keys, sort=False).size() for rows in answers])
    for kind, column, label in (
        ("wrong", part, f"{part} error"),
        ("rejected", f"{part} rejected", f"{part} rejected"),
        ("unanswered", f"{part} unanswered", f"{part} not finite"),
    ):
        if kind == "wrong" or means[kind].any():
            frame = pd.DataFrame({"value": 100 * means[kind], "n": sizes}).reset_index()
            yield frame.assign(column=column, column_label=label, unit="%")
