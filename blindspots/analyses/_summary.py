"""The tidy form of every summary table: one row per cell, the paper's figure beside ours."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from blindspots.analyses._szegedy2013 import TABLES

SCHEMA = pa.schema(
    [
        pa.field("row", pa.string(), nullable=False),  # key, such as a net's name in the config
        pa.field("row_label", pa.string(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("column_label", pa.string(), nullable=False),
        pa.field("value", pa.float64()),  # mean over the networks (seeds); null: nothing to average
        pa.field("unit", pa.string(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),  # images per network
        pa.field("networks", pa.int64(), nullable=False),
        pa.field("paper", pa.float64()),  # the printed figure; null: none
    ]
)


def over_seeds(values: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Average `value` over seeds; `n` is that of one network, `networks` counts those with one.

    Args:
        values: one row per seed with `keys`, `value` and `n`.
        keys: the columns that identify a cell, kept in their order of appearance.
    """
    return (
        values.groupby(keys, sort=False, observed=True)
        .agg(value=("value", "mean"), n=("n", "first"), networks=("value", "count"))
        .reset_index()
    )


def cells(values: pd.DataFrame, labels: Mapping[str, str], paper: str | None) -> pd.DataFrame:
    """Finish a summary: labels for rows and columns, and the paper's figures.

    Args:
        values: `row`, `column`, `value`, `unit`, `n`, `networks`, and labels where they are not
            those of nets.
        labels: of nets, by name.
        paper: the paper's table, such as "table2", or None.
    """
    figures = TABLES[paper] if paper else {}
    finished = values.assign(
        paper=[figures.get((r, c)) for r, c in zip(values["row"], values["column"], strict=True)]
    )
    for name in ("row", "column"):
        if f"{name}_label" not in finished:
            finished[f"{name}_label"] = [labels.get(key, key) for key in finished[name]]
    return finished[SCHEMA.names]
