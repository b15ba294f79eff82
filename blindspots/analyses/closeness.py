"""Distortions found beside the distances to the nearest images of other classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses.attacked import NONE_RIGHT, middle, tried
from blindspots.analyses.kit import IMAGE, NO_MEDIAN, cells, over_seeds

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

NOTE = (
    "Over the images that the net gets right unaltered. A perturbation is close if it is shorter "
    "than half of the distance to the nearest training image of another class: the perturbed image "
    "is then nearer to the original than to any image of what it is taken for. A failed attack has "
    "found none."
)
"""Note below the table (`report.summaries`)."""

REPORT = {
    "set": "closeness",
    "place": 1,
    "title": "Distortions found, and distances to the nearest image of another class",
    "of": "Distortions found, and distances to the nearest image of another class: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

NO_OTHER = "no training image of such a class"
NO_RATIO = "more than half of the images are not fooled, or equal a training image of such a class"
INFINITE = "infinite"
"""Text of a median ratio that is infinite though at least half of the images are fooled."""

ROW_NAMES = ("{nets}",)
COLUMNS = (
    "close", "ratio", "half distance", "target close", "target ratio", "target half distance",
    "pooled distortion",
)  # fmt: skip
"""Rows and columns of the table (`config.cells`)."""


def closeness(
    attacks: pd.DataFrame, neighbours: pd.DataFrame, *, labels: Mapping[str, str]
) -> pd.DataFrame:
    """Compare each perturbation with the distance to the nearest image of another class.

    Args:
        attacks: attacked images, a row each.
        neighbours: nearest training images, with schema `measurements.neighbours.NEIGHBOURS`.
        labels: display name of each net.

    Returns:
        A row per net:

        * "close": share in percent of images whose perturbation is shorter than half of the
          distance to the nearest image of any other class.
        * "ratio": median of its length over that distance, infinite where that is 0.
        * "half distance": mean half of that distance, RMS per pixel.
        * "target close", "target ratio", "target half distance": the same for the target's class,
          if the attack has targets.
        * "pooled distortion": root mean square of the fooled images' distortions, RMS per pixel.

        On one network the intervals of the means are Student's over the images.
    """
    rows = tried(attacks)
    rows = rows.assign(length=rows["distortion"].where(rows["fooled"], np.inf).astype(float))
    nearest = neighbours.groupby(IMAGE)["distance"].min().rename("any").reset_index()
    of_target = neighbours.rename(columns={"other": "target", "distance": "of_target"})
    rows = rows.astype({"target": "Int64"}).merge(nearest, on=IMAGE, how="left")
    rows = rows.merge(
        of_target[[*IMAGE, "target", "of_target"]].astype({"target": "Int64"}),
        on=[*IMAGE, "target"], how="left",
    )  # fmt: skip
    nets = attacks[["net", "seed"]].drop_duplicates().itertuples(index=False, name=None)
    found = [
        {"row": net, "seed": seed} | cell
        for net, seed in nets
        for cell in _cells(rows[(rows["net"] == net) & (rows["seed"] == seed)])
    ]
    if attacks["target"].isna().all():
        found = [cell for cell in found if not cell["column"].startswith("target ")]
    keys = ["row", "column", "column_label", "unit"]
    columns = [*keys, "seed", "value", "n", "tried", "low", "high", "interval", "endless", "reason"]
    finished = over_seeds(pd.DataFrame(found, columns=columns), keys)
    finished["text"] = finished["text"].mask(finished["reason"] == NO_RATIO, INFINITE)
    return cells(finished, labels)


def _cells(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Cells of one network."""
    for prefix, column, of in (
        ("", "any", "another class"), ("target ", "of_target", "the target's class"),
    ):  # fmt: skip
        yield from _beside(rows, prefix, column, of)
    fooled = np.square(rows.loc[rows["fooled"], "distortion"].to_numpy(float))
    ends = np.sqrt(np.maximum(statistics.student(fooled), 0))
    yield {
        "column": "pooled distortion", "column_label": "pooled distortion", "n": len(fooled),
        "tried": len(rows), "value": np.sqrt(fooled.mean()) if len(fooled) else np.nan,
        "reason": "no attack succeeded" if len(rows) else NONE_RIGHT, **_over_images(ends),
    }  # fmt: skip


def _beside(rows: pd.DataFrame, prefix: str, column: str, of: str) -> Iterator[dict[str, Any]]:
    """Cells about the distance in one column, to the nearest image of a class described by `of`."""
    there = rows[rows[column].notna()]
    length, distance = there["length"].to_numpy(float), there[column].to_numpy(float)
    common = {"n": len(there), "reason": NO_OTHER if len(rows) else NONE_RIGHT}
    close, half = length < distance / 2, distance / 2
    yield common | {
        "column": f"{prefix}close", "column_label": f"closer than half way to {of}", "unit": "%",
        "value": 100 * close.mean() if len(there) else np.nan,
    }  # fmt: skip
    ratio = np.divide(length, distance, out=np.full(len(there), np.inf), where=distance > 0)
    low, high = statistics.median(ratio)
    found = middle(ratio)
    endless = NO_MEDIAN if middle(length)["endless"] else NO_RATIO
    yield common | found | ({"reason": endless} if found["endless"] else {}) | {
        "column": f"{prefix}ratio", "column_label": f"distortion / distance to {of} (median)",
        "unit": "", "low": low, "high": high if np.isfinite(high) else np.nan, "interval": "median",
    }  # fmt: skip
    yield common | {
        "column": f"{prefix}half distance", "column_label": f"half distance to {of} (mean)",
        "value": half.mean() if len(there) else np.nan, **_over_images(statistics.student(half)),
    }  # fmt: skip


def _over_images(interval: Any) -> dict[str, Any]:
    low, high = interval
    return {"unit": "RMS per pixel", "low": low, "high": high, "interval": "images"}
