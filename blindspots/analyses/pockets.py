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
    "Each image that the net gets right and its attack succeeded on is moved in random directions, "
    "by the distance that the attack found times the multiple."
)
"""Note below the table (`report.summaries`)."""

HEADLINE = {"share": "Directions of the sphere that fool a net, by multiples of the distance found"}
"""Part of the table that the report's first screen shows (`report.headlines`)."""

NONE = "no successfully attacked image that the net gets right"
NO_ROOM = "no direction reaches this distance within the box"

ROW_NAMES = ("* × *",)
COLUMNS = ("share", "images", "rejected", "length", "tried")
"""Rows and columns of the table (`config.cells`)."""


@across
def pockets(pockets: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """Share of directions that fool each net at each multiple, as a mean over images.

    On one network its interval is, at either end, the wider of two:

    * Student's over the images, which takes them for independent draws from all images. It is too
      narrow if hardly any image is fooled, and has no width if none is.
    * Clopper and Pearson's over all directions together, which holds for these images only. If
      their shares differ, the sum varies less than a binomial count with the mean share (Hoeffding
      1956), so it is conservative as long as all images have the same number of directions;
      directions without room in the box change that.

    The share of images that any direction fools has Wilson's interval; if the share is 0, its upper
    end bounds the share of such images. This share grows with the number of directions, unlike the
    share of directions.

    Args:
        pockets: counts of fooling directions, with schema `measurements.pockets.POCKETS`.
        labels: display name of each net.

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
    """Cells of one network at one multiple."""
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
    """Cell of the images' mean share of directions, counted in the column `seen` of `rows`."""
    counts, drawn = rows[seen].to_numpy(), rows["directions"].to_numpy()
    low, high = share_interval(counts, drawn)
    return {
        "column": column, "column_label": label, "unit": "% of directions",
        "value": 100 * (counts / drawn).mean() if len(rows) else np.nan,
        "low": 100 * low, "high": 100 * high, "interval": "directions",
    }  # fmt: skip


def share_interval(fooled: np.ndarray, directions: np.ndarray) -> Interval:
    """Interval of the mean share, as `pockets` describes it; NaN without images.

    Args:
        fooled: (n,) number of directions that fool the net, by image.
        directions: (n,) number of directions, by image.
    """
    if len(fooled) == 0:
        return statistics.NONE
    pooled = statistics.clopper_pearson(fooled.sum(), directions.sum())
    over_images = statistics.student(fooled / directions)
    low, high = np.array([pooled, over_images]).T
    return Interval(max(0.0, float(np.nanmin(low))), min(1.0, float(np.nanmax(high))))
