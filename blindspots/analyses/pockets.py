"""Pockets: directions that fool a net, at multiples of the distance that its attack found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses.kit import cells, over_seeds
from blindspots.analyses.threats import Threat, across
from blindspots.statistics import Interval
from blindspots.threat.outcomes import RIGHT

CORNER = "net × multiple"
"""Heading of the first column (`report.summaries`)."""

NOTE = (
    "From each image that the net gets right and that its attack succeeded on, images in random "
    "directions: as far away as the attacked image, times the multiple."
)
"""Note below the table (`report.summaries`)."""

HEADLINE = {"share": "Directions of the sphere that fool a net, by multiples of the distance found"}
"""Part of the table that the report's first screen shows (`report.headlines`)."""

NONE = "no image that the net gets right, attacked with success"
NO_ROOM = "no direction has room in the box for the length"

ROW_NAMES = ("* × *",)
COLUMNS = ("share", "images", "rejected", "length", "tried")
"""Rows and columns of the table (`config.cells`)."""


@across
def pockets(pockets: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """The share of directions that fool each net at each multiple, as a mean over images.

    On one network its interval is the wider, on either side, of two. Student's over the images
    takes these for independent draws from all that there are, since images differ; but where hardly
    any is fooled it is too narrow, and without any it is empty. Clopper and Pearson's over all
    directions together is about these images alone: where their shares differ, the sum varies less
    than a binomial count of the mean share (Hoeffding 1956), so that it errs on the safe side, as
    long as each image has as many directions, which those without room in the box change. The
    share of images that any direction fools has Wilson's; where that is 0, it says how many such
    images there may be. It grows with the number of directions, unlike the share of directions.

    Args:
        pockets: with schema `measurements.pockets.POCKETS`.
        labels: labels of nets, by name.

    Returns:
        A row per net, attack and multiple.
    """
    threats = pockets[["attack", "eps"]].drop_duplicates()
    keys = ["source", "attack", "eps", "seed", "multiple"]
    found = []
    for (source, attack, eps, seed, multiple), rows in pockets.groupby(
        keys, sort=False, dropna=False
    ):
        made_by = f"{Threat(attack, eps)}: " if len(threats) > 1 else ""
        row = {
            "row": f"{made_by}{source} × {multiple:g}",
            "row_label": f"{made_by}{labels.get(source, source)} × {multiple:g}",
            "seed": seed,
        }
        found += [row | cell for cell in _columns(rows)]
    keys = ["row", "row_label", "column", "column_label", "unit"]
    columns = [*keys, "seed", "value", "n", "low", "high", "interval", "reason"]
    return cells(over_seeds(pd.DataFrame(found, columns=columns), keys), labels)


def _columns(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The cells of one network at one multiple."""
    tried = rows[rows["directions"] > 0]
    reason = NO_ROOM if (rows["success"] & (rows["outcome"] == RIGHT)).any() else NONE
    common = {"n": len(tried), "reason": reason}
    yield common | _share("share", "directions that fool the net (%)", tried, "fooled")
    yield common | {
        "column": "images", "column_label": "images that any direction fools", "unit": "%",
        "value": 100 * (tried["fooled"] > 0).mean(),
    }  # fmt: skip
    if rows["rejected"].any():
        yield common | _share("rejected", "directions that it rejects (%)", tried, "rejected")
    yield common | {
        "column": "length", "column_label": "mean distance", "unit": "L2",
        "value": tried["length"].mean(),
    }  # fmt: skip
    yield common | {
        "column": "tried", "column_label": "images", "unit": "", "value": float(len(tried)),
    }  # fmt: skip


def _share(column: str, label: str, rows: pd.DataFrame, seen: str) -> dict[str, Any]:
    """The cell of a mean share of the directions of images, which a column of `rows` counts."""
    counts, drawn = rows[seen].to_numpy(), rows["directions"].to_numpy()
    low, high = share_interval(counts, drawn)
    return {
        "column": column, "column_label": label, "unit": "% of directions",
        "value": 100 * (counts / drawn).mean() if len(rows) else np.nan,
        "low": 100 * low, "high": 100 * high, "interval": "directions",
    }  # fmt: skip


def share_interval(fooled: np.ndarray, directions: np.ndarray) -> Interval:
    """The interval of the mean share, `pockets` says which; none without images.

    Args:
        fooled: (n,) directions that fool the net, by image.
        directions: (n,) directions.
    """
    if len(fooled) == 0:
        return statistics.NONE
    pooled = statistics.clopper_pearson(fooled.sum(), directions.sum())
    over_images = statistics.student(fooled / directions)
    low, high = np.array([pooled, over_images]).T
    return Interval(max(0.0, float(np.nanmin(low))), min(1.0, float(np.nanmax(high))))
