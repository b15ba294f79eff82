"""Clean errors of nets, and by how much they differ from those of others, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from blindspots import statistics
from blindspots.analyses._clean import IMAGE, answers_on
from blindspots.analyses._summary import cells, over_seeds


def contrasts(
    clean: pd.DataFrame,
    split: pd.DataFrame,
    *,
    parts: Sequence[str],
    against: Sequence[str],
    labels: Mapping[str, str],
    paper: str | None = None,
) -> pd.DataFrame:
    """Every net's error on each part, and less that of the nets `against`.

    A difference is taken seed by seed and then averaged: its interval is Student's over the
    differences. Nets of one seed share their images alone, those of the part and, where they have
    the same `train_on`, those that they were trained on: each has initial weights and an order of
    the images of its own. On one seed the interval is that of two rates over the same images
    (`statistics.paired`).

    Args:
        clean: answers to unaltered images, with schema `answers.CLEAN`.
        split: the parts that the images are in.
        parts: such as ["test"].
        against: names of nets.
        labels: of nets, by name.
        paper: "adversarial" for the figures of section 4.2.

    Returns:
        A row per net; errors in percent, differences in percentage points.
    """
    found = []
    for part in parts:
        wrong = answers_on(part, clean, split).set_index(["net", *IMAGE])["wrong"]
        for (net, seed), of in wrong.groupby(level=["net", "seed"], sort=False):
            cell = {"row": net, "seed": seed, "n": len(of), "reason": "the same net"}
            found.append(
                cell
                | {
                    "column": part, "column_label": f"{part} error", "unit": "%",
                    "value": 100 * of.mean(),
                }
            )  # fmt: skip
            for other in against:
                difference = _difference(of.loc[net], wrong.loc[[other]].loc[other].loc[[seed]])
                found.append(
                    cell
                    | {
                        "column": f"{part} less {other}", "unit": "% points",
                        "column_label": f"{part} error less that of {labels.get(other, other)}",
                    }
                    | (difference if other != net else {})
                )  # fmt: skip
    keys = ["row", "column", "column_label", "unit"]
    return cells(over_seeds(pd.DataFrame(found), keys), labels, paper)


def _difference(first: pd.Series, second: pd.Series) -> dict[str, float | str]:
    """Of the errors of two nets over the same images, in percentage points."""
    second = second.reindex(first.index)
    interval = statistics.paired(first.to_numpy(bool), second.to_numpy(bool))
    return {
        "value": 100 * (first.mean() - second.mean()), "low": 100 * interval.low,
        "high": 100 * interval.high, "interval": "paired",
    }  # fmt: skip
