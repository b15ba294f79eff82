"""Tidy form of every summary table: one row per cell, with the paper's figure next to ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots import statistics
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.threat.outcomes import REJECTED, RIGHT, WRONG

IMAGE = ["seed", "dataset", "file", "index"]
NETS_IMAGE = ["net", *IMAGE]
"""Columns of a run's tables that identify an image, and a net's answer to it."""

SCHEMA = pa.schema(
    [
        pa.field("row", pa.string(), nullable=False),  # key, such as a net's name in the config
        pa.field("row_label", pa.string(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("column_label", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # mean over the networks (seeds); null: see `reason`
        pa.field("low", pa.float64()),  # lower end of the 95% interval; null: none
        pa.field("high", pa.float64()),
        pa.field("interval", pa.string()),  # kind: "wilson", "student", …; null: none
        pa.field("text", pa.string()),  # shown instead of a figure
        pa.field("reason", pa.string()),  # why there is no value
        pa.field("unit", pa.string(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),  # images per network
        pa.field("networks", pa.int64(), nullable=False),
        pa.field("paper", pa.float64()),  # the printed figure; null: none
    ]
)


Figures = Mapping[str, Mapping[str, float]]
"""Figures printed in a paper's table, by row and column."""

NEEDED = ("row", "column", "value", "unit", "n")
"""Required columns of a summary; `completed` adds the others."""

RATES = ("%", "% error", "% of directions")
"""Units of shares in percent: of images, with Wilson's interval on one network, or of directions,
which bring an interval of their own."""

OF_TRAININGS = "% of trainings"
"""Unit of a share whose trials are trainings, each of which is 0 or 100."""

BOUNDS = {"points": (-100.0, 100.0), **dict.fromkeys(RATES, (0.0, 100.0))}
"""Least and largest possible value of an image, by unit; other units have none."""

FORMATS = {
    "%": "{:.2f}",
    "% error": "{:.1f}",
    "points": "{:+.1f}",
    "% points": "{:+.2f}",
    "p": "{:.2g}",
    "points off": "{:.1f}",
    "% off": "{:.1f}",
    "RMS per pixel": "{:.3f}",
}
"""Format of our values by unit; four digits for other units. The paper's figures stay as printed.
"""

LEAST_P = 1e-300
"""Smallest p value above rounding error; smaller ones are printed as less than this."""

OVER_ALL = "over all"
"""Row of a table of verdicts with the one verdict that joins several cells."""

NOT_FOOLED, NO_MEDIAN = "> half not fooled", "more than half of the images are not fooled"
"""Text and reason for an infinite median (failures count as infinite distances)."""


def number(value: float, unit: str) -> str:
    """Format a value for printing."""
    if unit == "p" and value < LEAST_P:
        return f"< {LEAST_P:g}"
    is_short = unit == "RMS per pixel" and 0 < abs(value) < 0.01  # three decimals leave little
    return ("{:.2g}" if is_short else FORMATS.get(unit, "{:.4g}")).format(value)


def of_fewer(fooled: int, tried: int) -> str:
    """Suffix for a mean over fewer images than were tried: " (2 of 64)"; otherwise empty."""
    return f" ({fooled} of {tried})" if fooled < tried else ""


def over_seeds(values: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Average `value` over seeds; `n` is that of one network, `networks` counts those with a value.

    Over several networks the interval is Student's, cut at 0 and 100 for a rate. If all have the
    same value, which would leave it no width, it is that of the images of one network: the widest
    of those that the rows give, or Clopper and Pearson's for a rate (`statistics.exact`), whose
    trials are the least `n` of a network: networks see the same images, so that more networks make
    no more trials. Other values that are all equal have none. A share of trainings has Clopper and
    Pearson's of as many trials as there are trainings.

    On one network the interval is given by the row's `low`, `high` and `interval` if an analysis
    sets them, otherwise Wilson's for a rate; other values have none.

    If `n` is less than `tried`, `text` is the mean with both numbers, such as "0.062 (2 of 64)". If
    any network's value is infinite, the cell has no value, and `text` says why.

    Args:
        values: one row per seed with `keys`, `value` and `n`. Optional columns: `reason`, why a
            value is missing; `tried`, number of attacked images of which only the `n` fooled ones
            are averaged; `endless`, whether a median is infinite, as failures count as infinite
            distances.
        keys: columns that identify a cell, kept in their order of appearance.
    """
    found = []
    for key, group in values.groupby(keys, sort=False, observed=True, dropna=False):
        rows = group[group["value"].notna()]
        endless = group[group["endless"].eq(True)] if "endless" in group else group[:0]
        if len(endless):  # a mean over the other networks would be too small
            rows, group = group[:0], endless
        cell = dict(zip(keys, key, strict=True)) | {
            "value": rows["value"].mean() if len(rows) else np.nan,
            "n": (rows if len(rows) else group)["n"].iloc[0],
            "networks": len(rows),
        }
        if len(rows) > 1:
            cell |= _over_networks(rows, cell.get("unit"))
        elif len(rows) == 1 and "interval" in rows and isinstance(rows["interval"].iloc[0], str):
            cell |= rows[["low", "high", "interval"]].iloc[0].to_dict()
        elif len(rows) == 1 and cell.get("unit") in RATES and cell["n"]:
            rate = statistics.wilson(cell["value"] / 100 * cell["n"], cell["n"])
            cell |= {"low": 100 * rate.low, "high": 100 * rate.high, "interval": "wilson"}
        elif not len(rows):
            given = list(group["reason"].dropna()) if "reason" in group else []
            nothing = NO_MEDIAN if len(endless) else "nothing to average"
            cell["reason"] = given[0] if given else nothing
        found.append(cell | {"text": NOT_FOOLED if len(endless) else _beside(cell, group)})
    columns = [*keys, "value", "n", "networks", "low", "high", "interval", "text", "reason"]
    return pd.DataFrame(found).reindex(columns=columns)


def _over_networks(rows: pd.DataFrame, unit: str | None) -> dict[str, Any]:
    """Interval of the mean over several networks, see `over_seeds`."""
    values = rows["value"].to_numpy(float)
    if unit == OF_TRAININGS:
        low, high = statistics.exact(values.mean() / 100, len(values))
        return {"low": 100 * low, "high": 100 * high, "interval": "trainings"}
    if np.ptp(values) == 0:
        own = rows[rows["interval"].notna()] if "interval" in rows else rows[:0]
        if len(own):
            ends = {"low": own["low"].min(), "high": own["high"].max()}
            return ends | {"interval": own["interval"].iloc[0]}
        if unit in RATES and (n := rows["n"].min()):
            low, high = statistics.exact(values[0] / 100, n)
            return {"low": 100 * low, "high": 100 * high, "interval": "exact"}
        return {}
    interval = statistics.student(values)
    if unit in RATES:  # a share of images is between none and all
        interval = statistics.Interval(*np.clip(interval, 0, 100).tolist())
    return interval._asdict() | {"interval": "student"}


def over_images(values: np.ndarray, unit: str) -> dict[str, Any]:
    """Interval of a mean over the images of one network, as `low`, `high` and `interval`.

    Args:
        values: (n,) a value per image.
        unit: unit of the values; `statistics.of_images` has their bounds (`BOUNDS`).
    """
    if unit in BOUNDS and len(values) > 1 and np.ptp(values) == 0:
        interval, kind = statistics.of_images(values, *BOUNDS[unit]), "exact"
    else:
        interval, kind = statistics.student(values), "images"
    return interval._asdict() | {"interval": kind}


def _beside(cell: Mapping[str, Any], group: pd.DataFrame) -> str | None:
    """Text of a mean with its number of images, if more were tried; otherwise None."""
    if "tried" not in group or group["tried"].isna().any() or not cell["networks"]:
        return None
    fooled, tried = int(group["n"].sum()), int(group["tried"].sum())
    return number(cell["value"], cell["unit"]) + of_fewer(fooled, tried) if fooled < tried else None


def cells(values: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Complete a summary: add labels for rows and columns, and drop reasons of cells with a value.

    Args:
        values: `row`, `column`, `value`, `unit`, `n`, `networks`; also `row_label` and
            `column_label` if rows or columns are not nets.
        labels: display name of each net.
    """
    finished = values.copy()
    for name in ("row", "column"):
        if f"{name}_label" not in finished:
            finished[f"{name}_label"] = [labels.get(key, key) for key in finished[name]]
    finished = finished.reindex(columns=SCHEMA.names)
    return finished.assign(reason=finished["reason"].where(finished["value"].isna()))


def beside(summary: pd.DataFrame, figures: Figures) -> pd.DataFrame:
    """Add a paper's printed figures to a summary.

    Args:
        summary: summary with `row` and `column`; returned as it is if there are no figures.
        figures: printed figures, by row and column.
    """
    if not figures:
        return summary
    keys = zip(summary["row"], summary["column"], strict=True)
    return summary.assign(paper=[figures.get(row, {}).get(column) for row, column in keys])


def completed(summary: Any, where: str) -> pd.DataFrame:
    """Add the optional columns of `SCHEMA` to the result of an analysis.

    Args:
        summary: frame with at least the columns `NEEDED`.
        where: name of the table and its method, for messages.

    Raises:
        InputError: not a frame, a missing required column, or a column that is not in `SCHEMA`.
    """
    wanted = f"{where}: expected a frame with the columns {', '.join(NEEDED)}"
    if not isinstance(summary, pd.DataFrame):
        raise InputError(f"{wanted}, found {type(summary).__name__}; return a pandas.DataFrame")
    columns = [str(name) for name in summary.columns]
    missing = [name for name in NEEDED if name not in columns]
    unknown = [name for name in columns if name not in SCHEMA.names]
    if missing or unknown:
        faults = [*(f"no {name}" for name in missing), *(f"{name!r} too" for name in unknown)]
        raise InputError(f"{wanted}, found {', '.join(faults)}; rename, add or drop columns")
    finished = summary.assign(**{name: summary[name].astype(str) for name in ("row", "column")})
    for name in ("row", "column"):
        if f"{name}_label" not in finished:
            finished[f"{name}_label"] = finished[name]
    if "networks" not in finished:
        finished["networks"] = 1
    return finished.reindex(columns=SCHEMA.names)


def checked(found: Any, where: str) -> pa.Table:
    """Check the result of an analysis and convert it to a table with `SCHEMA`.

    Args:
        found: frame with at least the columns `NEEDED`.
        where: name of the table and its method, for messages.

    Raises:
        InputError: a frame that `completed` rejects, a value of the wrong type, or a null in a
            required column.
    """
    frame = completed(found, where)
    try:
        return tables.from_frame(frame, SCHEMA)
    except (ValueError, TypeError, NotImplementedError) as error:  # the types that Arrow raises
        raise InputError(f"{where}: {' '.join(str(error).split())}; correct its table") from error


SHARES = {RIGHT: "right", WRONG: "wrong", REJECTED: "rejected"}
"""Column with the share of draws of each outcome, for stochastic nets (`threat.answers.ANSWER`)."""


def rates(rows: pd.DataFrame, outcome: str) -> pd.Series:
    """Indicator of an outcome per answer; for stochastic nets, the share of draws.

    Args:
        rows: answers, with the column "outcome", and the columns `SHARES` if there may be
            stochastic nets.
        outcome: a key of `SHARES`.

    Returns:
        (n,) bool; float if there are shares.
    """
    said = rows["outcome"] == outcome
    share = rows.get(SHARES[outcome])
    if share is None or share.isna().all():
        return said
    return share.astype(float).fillna(said.astype(float))
