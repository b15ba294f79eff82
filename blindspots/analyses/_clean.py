"""Answers to unaltered images, by the part that the images are in."""

from __future__ import annotations

import pandas as pd

from blindspots.splits import SUBSETS

IMAGE = ["seed", "file", "index"]


def answers_on(part: str, clean: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """The rows of `clean` for the images of a part, with a column `wrong`.

    Args:
        part: a key of `splits.SUBSETS`.
        clean: with schema `answers.CLEAN`.
        split: the parts that the images are in.
    """
    there = split.loc[split["subset"].isin(SUBSETS[part]), IMAGE]
    found = clean.merge(there, on=IMAGE)
    return found.assign(wrong=found["prediction"] != found["label"])
