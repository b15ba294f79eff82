"""Clean errors of nets, and their differences from those of other nets, seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pandas as pd

from blindspots import statistics
from blindspots.analyses._clean import answers_on
from blindspots.analyses.kit import NETS_IMAGE, cells, over_seeds
from blindspots.limits import distinct, one_of_its, some

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

HEADLINE = "differences"
"""Part of the table that the report's first screen shows (`report.headlines`)."""

ROW_NAMES = ("{nets}",)
COLUMNS = ("{parts}", "{parts} rejected", "{parts} less {against}")
"""Rows and columns of the table (`config.cells`)."""


def contrasts(
    clean: pd.DataFrame,
    split: pd.DataFrame,
    *,
    parts: Annotated[Sequence[Annotated[str, one_of_its("parts")]], some()],
    against: Annotated[Sequence[Annotated[str, one_of_its("nets")]], some(), distinct()],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Error of every net on each part, and its difference from the error of each net in `against`.

    Differences are taken seed by seed and then averaged, with Student's interval over the seeds.
    Nets of one seed share only their images: those of the part and, if their `train_on` is the
    same, those that they were trained on; initial weights and the order of the images differ. On
    one seed the interval is that of two paired rates over the same images (`statistics.paired`).

    Args:
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        split: part of the split of each image.
        parts: parts of the split, such as ["test"].
        against: nets to compare every net with.
        labels: display name of each net.

    Returns:
        A row per net: errors in percent, followed by the share of rejected images if there are any;
        differences in percentage points.
    """
    found: list[dict[str, Any]] = []
    for part in parts:
        answers = answers_on(part, clean, split).set_index(NETS_IMAGE)
        rejects = answers["rejected"].any()
        by = dict(list(answers.groupby(level=["net", "seed"], sort=False)))
        for (net, seed), of in by.items():
            wrong = of["wrong"].droplevel("net")
            cell = {"row": net, "seed": seed, "n": len(of), "reason": "the same net", "unit": "%"}
            error = {"column": part, "column_label": f"{part} error", "value": 100 * wrong.mean()}
            found.append(cell | error)
            if rejects:
                column, value = f"{part} rejected", 100 * of["rejected"].mean()
                found.append(cell | {"column": column, "column_label": column, "value": value})
            found += [
                cell
                | {
                    "column": f"{part} less {other}", "unit": "% points",
                    "column_label": f"{part} error − {labels.get(other, other)}",
                }
                | (_difference(wrong, by.get((other, seed))) if other != net else {})
                for other in against
            ]  # fmt: skip
    keys = ["row", "column", "column_label", "unit"]
    frame = pd.DataFrame(found, columns=[*keys, "seed", "n", "value", *INTERVAL, "reason"])
    return cells(over_seeds(frame, keys), labels)


INTERVAL = ["low", "high", "interval"]
NO_ANSWER = "the other net does not classify these images"


def _difference(first: pd.Series, of_second: pd.DataFrame | None) -> dict[str, float | str]:
    """Difference of the errors of two nets over the same images, in percentage points.

    Args:
        first: whether the first net is wrong, by image.
        of_second: the second net's answers; None if it has none.
    """
    if of_second is None:
        return {"reason": NO_ANSWER}
    second = of_second["wrong"].droplevel("net").reindex(first.index)
    interval = statistics.paired(first.to_numpy(bool), second.to_numpy(bool))
    return {
        "value": 100 * (first.mean() - second.mean()), "low": 100 * interval.low,
        "high": 100 * interval.high, "interval": "paired",
    }  # fmt: skip
