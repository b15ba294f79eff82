"""The tidy form of every summary table: one row per cell, the paper's figure beside ours."""

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

SCHEMA = pa.schema(
    [
        pa.field("row", pa.string(), nullable=False),  # key, such as a net's name in the config
        pa.field("row_label", pa.string(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("column_label", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # mean over the networks (seeds); null: see `reason`
        pa.field("low", pa.float64()),  # of the 95% interval; null: none
        pa.field("high", pa.float64()),
        pa.field("interval", pa.string()),  # what it is: "wilson", "student", …; null: none
        pa.field("text", pa.string()),  # what is shown instead of a figure
        pa.field("reason", pa.string()),  # why there is no value
        pa.field("unit", pa.string(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),  # images per network
        pa.field("networks", pa.int64(), nullable=False),
        pa.field("paper", pa.float64()),  # the printed figure; null: none
    ]
)


Figures = Mapping[str, Mapping[str, float]]
"""The figures that a table of a paper prints, by row and column."""

NEEDED = ("row", "column", "value", "unit", "n")
"""Columns that every summary has; `completed` adds the others."""

RATES = ("%", "% error", "% of directions")
"""Units of shares, in percent: of images, which on one network have Wilson's interval, or of what
has an interval of its own."""

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
"""Formats of our values by unit, others get four digits; the paper's are as printed."""

LEAST_P = 1e-300
"""Below it a p value is that of rounding: a 0 is printed as less than this."""

NOT_FOOLED, NO_MEDIAN = "> half not fooled", "more than half of the images are not fooled"
"""Text for an infinite median (failures count as infinite distances), and the reason."""


def number(value: float, unit: str) -> str:
    """A value as it is printed."""
    if unit == "p" and value < LEAST_P:
        return f"< {LEAST_P:g}"
    is_short = unit == "RMS per pixel" and 0 < abs(value) < 0.01  # three decimals leave little
    return ("{:.2g}" if is_short else FORMATS.get(unit, "{:.4g}")).format(value)


def of_fewer(fooled: int, tried: int) -> str:
    """Suffix for a mean over the fooled images where more were tried: " (2 of 64)"."""
    return f" ({fooled} of {tried})" if fooled < tried else ""


def over_seeds(values: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Average `value` over seeds; `n` is that of one network, `networks` counts those with one.

    Over several networks the interval is Student's, a rate's cut at 0 and 100. On one it is
    Wilson's for a rate, or what `low`, `high` and `interval` of the row say where an analysis gives
    them, or none. Where `n` images are fewer than were `tried`, `text` is the mean and that, such
    as "0.062 (2 of 64)". Where a network's value is infinite there is none, and `text` says why.

    Args:
        values: one row per seed with `keys`, `value` and `n`; `reason` where there is no value;
            `tried`, where an average is of those images alone on which an attack succeeded;
            `endless`, where a median is infinite, of distances of which those of failures are.
        keys: the columns that identify a cell, kept in their order of appearance.
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
            interval = statistics.student(rows["value"].to_numpy())
            if cell.get("unit") in RATES:  # a share of images is between none and all
                interval = statistics.Interval(*np.clip(interval, 0, 100).tolist())
            cell |= interval._asdict() | {"interval": "student"}
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


def _beside(cell: Mapping[str, Any], group: pd.DataFrame) -> str | None:
    """A mean and the number of its images, where more were tried."""
    if "tried" not in group or group["tried"].isna().any() or not cell["networks"]:
        return None
    fooled, tried = int(group["n"].sum()), int(group["tried"].sum())
    return number(cell["value"], cell["unit"]) + of_fewer(fooled, tried) if fooled < tried else None


def cells(values: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Finish a summary: labels for rows and columns.

    A reason stays where there is no value alone.

    Args:
        values: `row`, `column`, `value`, `unit`, `n`, `networks`, and labels where they are not
            those of nets.
        labels: labels of nets, by name.
    """
    finished = values.copy()
    for name in ("row", "column"):
        if f"{name}_label" not in finished:
            finished[f"{name}_label"] = [labels.get(key, key) for key in finished[name]]
    finished = finished.reindex(columns=SCHEMA.names)
    return finished.assign(reason=finished["reason"].where(finished["value"].isna()))


def beside(summary: pd.DataFrame, figures: Figures) -> pd.DataFrame:
    """Set the figures that a paper prints beside those of a summary.

    Args:
        summary: with `row` and `column`; its own column `paper` stays where there are no figures.
        figures: the printed ones, by row and column.
    """
    if not figures:
        return summary
    keys = zip(summary["row"], summary["column"], strict=True)
    return summary.assign(paper=[figures.get(row, {}).get(column) for row, column in keys])


def completed(summary: Any, where: str) -> pd.DataFrame:
    """Add the optional columns of `SCHEMA` to what an analysis returned.

    Args:
        summary: a frame with the columns `NEEDED` at least.
        where: the table and its method, as messages name them.

    Raises:
        InputError: something else, a column that no summary has, or one that a cell needs and that
            is missing.
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
    """Check what an analysis returned and convert it to a table with `SCHEMA`.

    Args:
        found: as for `completed`.
        where: as for `completed`.

    Raises:
        InputError: as `completed`; a value of the wrong type, or a null where it has to
            have one.
    """
    frame = completed(found, where)
    try:
        return tables.from_frame(frame, SCHEMA)
    except (ValueError, TypeError, NotImplementedError) as error:  # Arrow's are of these kinds
        raise InputError(f"{where}: {' '.join(str(error).split())}; correct its table") from error


SHARES = {RIGHT: "right", WRONG: "wrong", REJECTED: "rejected"}
"""Columns with the share of an outcome, of nets that answer by chance (`threat.answers.ANSWER`)."""


def rates(rows: pd.DataFrame, outcome: str) -> pd.Series:
    """Indicator of an outcome per answer; for nets with draws, the share of draws.

    Args:
        rows: with the column "outcome", and those of `SHARES` where there may be such nets.
        outcome: one of `SHARES`.

    Returns:
        (n,) bool; float where there are shares.
    """
    said = rows["outcome"] == outcome
    share = rows.get(SHARES[outcome])
    if share is None or share.isna().all():
        return said
    return share.astype(float).fillna(said.astype(float))
