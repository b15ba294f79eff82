"""Answers to unaltered images, by the part that the images are in."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from blindspots.files.splits import SUBSETS
from blindspots.threat.outcomes import is_rejected, is_wrong

IMAGE = ["seed", "dataset", "file", "index"]


def answers_on(part: str, clean: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """The rows of `clean` for the images of a part, with columns `wrong` and `rejected`.

    Those of nets that do not classify are left out.

    Args:
        part: a key of `splits.SUBSETS`.
        clean: with schema `threat.answers.CLEAN`.
        split: the parts that the images are in.
    """
    there = split.loc[split["subset"].isin(SUBSETS[part]), IMAGE]
    found = clean[clean["prediction"].notna()].merge(there, on=IMAGE)
    return found.assign(
        wrong=is_wrong(found["prediction"], found["label"]).astype(bool),
        rejected=is_rejected(found["prediction"]).astype(bool),
    )


def error_columns(part: str, clean: pd.DataFrame, split: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Per net and seed the error on a part in percent; and, if any, the share of rejected images.

    A rejection is no error: where there are some, their share belongs beside it.

    Args:
        part: a key of `splits.SUBSETS`.
        clean: with schema `threat.answers.CLEAN`.
        split: the parts that the images are in.

    Yields:
        Values for `_summary.over_seeds`, with `net` for the row.
    """
    answers = answers_on(part, clean, split)
    of = answers.groupby(["net", "seed"], sort=False)
    kinds = ["wrong", *(["rejected"] if answers["rejected"].any() else [])]
    for kind, label in zip(kinds, (f"{part} error", f"{part} rejected"), strict=False):
        frame = pd.DataFrame({"value": 100 * of[kind].mean(), "n": of.size()}).reset_index()
        column = part if kind == "wrong" else label
        yield frame.assign(column=column, column_label=label, unit="%")
