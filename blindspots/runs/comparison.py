"""Comparison of two runs: which figures of their tables differ, and by how much."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from blindspots.files import tables
from blindspots.interface import InputError

KEYS = ["table", "row", "column", "unit"]


def compare(before: Path, after: Path) -> pd.DataFrame:
    """Compare every cell of the tables of two runs.

    Args:
        before: folder of a run, such as results/paper.
        after: folder of another run, or of the same with changed settings.

    Returns:
        A row per cell: `table`, `row`, `column`, `unit`, `before`, `after` (null if only one run
        has the cell), `change` and `change_percent`.

    Raises:
        InputError: a folder without tables.
    """
    merged = _cells(before).merge(
        _cells(after), on=KEYS, how="outer", sort=False, suffixes=("_before", "_after")
    )
    merged = merged.rename(columns={"value_before": "before", "value_after": "after"})
    merged["change"] = merged["after"] - merged["before"]
    merged["change_percent"] = (
        100 * merged["change"] / merged["before"].abs().where(merged["before"] != 0)
    )
    return merged[[*KEYS, "before", "after", "change", "change_percent"]]


def moved(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells whose figures differ, or that only one run has; the largest change first."""
    before, after = cells["before"], cells["after"]
    different = (before != after) & ~(before.isna() & after.isna())
    found = cells.loc[different]
    order = found["change_percent"].abs().fillna(float("inf")).argsort()[::-1]
    return found.iloc[order]


def _cells(run: Path) -> pd.DataFrame:
    files = sorted((run / "tables").glob("*.parquet"))
    if not files:
        raise InputError(
            f"{run}: expected the folder of a finished run, with tables/*.parquet, found none; "
            "runs are in results/"
        )
    columns = [name for name in KEYS if name != "table"]
    frames = [
        tables.read(file, [*columns, "value"]).to_pandas().assign(table=file.stem) for file in files
    ]
    return pd.concat(frames, ignore_index=True)
