"""Answers to unaltered images, by the part that the images are in."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from blindspots.analyses.kit import rates
from blindspots.files.splits import SUBSETS
from blindspots.threat.outcomes import REJECTED, WRONG

IMAGE = ["seed", "dataset", "file", "index"]
NO_CLASSES = "UNSUPPORTED"
"""Status of answers, by `interface.Status`, of a net that does not classify."""


def answers_on(part: str, clean: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """The rows of `clean` for the images of a part, with `wrong`, `rejected` and `unanswered`.

    Those of nets that do not classify are left out.

    Args:
        part: a key of `splits.SUBSETS`.
        clean: with schema `threat.answers.CLEAN`.
        split: the parts that the images are in.
    """
    there = split.loc[split["subset"].isin(SUBSETS[part]), IMAGE]
    found = clean[clean["status"] != NO_CLASSES].merge(there, on=IMAGE)
    return found.assign(
        wrong=rates(found, WRONG),
        rejected=rates(found, REJECTED),
        unanswered=found["outcome"].isna(),
    )


def error_columns(part: str, clean: pd.DataFrame, split: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Error on a part per net and seed in percent, and the rates of rejections and of no answer.

    The latter two are given only where they are not 0.

    Args:
        part: a key of `splits.SUBSETS`.
        clean: with schema `threat.answers.CLEAN`.
        split: the parts that the images are in.

    Yields:
        Values for `kit.over_seeds`, with `net` for the row.
    """
    answers = answers_on(part, clean, split)
    of = answers.groupby(["net", "seed"], sort=False)
    for kind, column, label in (
        ("wrong", part, f"{part} error"),
        ("rejected", f"{part} rejected", f"{part} rejected"),
        ("unanswered", f"{part} unanswered", f"{part} not finite"),
    ):
        if kind == "wrong" or answers[kind].any():
            frame = pd.DataFrame({"value": 100 * of[kind].mean(), "n": of.size()}).reset_index()
            yield frame.assign(column=column, column_label=label, unit="%")
