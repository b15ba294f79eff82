"""A summary table as it is read: rows and columns of cells, each with what it is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd

from blindspots.analyses.kit import NOT_FOOLED, number
from blindspots.config import methods
from blindspots.interface import InputError
from blindspots.statistics import FEWEST

LARGEST = 1e308
"""Sort key of an infinite figure: a page's scripts take no larger number."""

INTERVALS = {
    "wilson": "Wilson's, of a rate on one network",
    "student": "Student's, over seeds",
    "paired": "of a paired difference on one network (Agresti and Min 2005)",
    "images": "Student's, over the images of one network",
    "directions": "the wider of Student's over images and the exact one over directions",
    "median": "of a median by order statistics, on one network",
}
"""Descriptions of the 95% intervals, by their names in tables."""


class Cell(NamedTuple):
    """One figure of a table.

    Attributes:
        value: ours, as text.
        interval: its 95% interval, as text; "" where there is none.
        paper: the paper's, as text; "" where it prints none.
        detail: images, networks, what the interval is, the paper's figure, why there is none.
        shade: how strong its background is, from 0 to 1; None: plain.
        order: what rows are sorted by: the unrounded figure; in a column without any, the text; ""
            where there is none.
    """

    value: str
    interval: str
    paper: str
    detail: str
    shade: float | None
    order: float | str


class Table(NamedTuple):
    """A summary table, ready to print.

    Attributes:
        name: in the config.
        title: its heading.
        corner: what a row is.
        columns: their headings.
        rows: label and cells; None where the table has no such cell.
        has_paper: whether the paper prints any of its figures.
        caption: how many images and networks the figures are from, and what the intervals are.
        note: what the figures are; "" where the analysis does not say.
        footnotes: why cells have no value, in the order of their marks (1, 2, …).
    """

    name: str
    title: str
    corner: str
    columns: list[str]
    rows: list[tuple[str, list[Cell | None]]]
    has_paper: bool
    caption: str
    note: str
    footnotes: list[str]


def printable(name: str, title: str, summary: pd.DataFrame, method: str = "") -> Table:
    """Lay a tidy summary out in rows and columns, in their order of appearance.

    Args:
        name: name of the table in the config.
        title: its heading.
        summary: with the schema of `analyses.kit`.
        method: the analysis that made it, whose module may say what a row is in a constant
            `CORNER`, and what the figures are in a constant `NOTE`.
    """
    footnotes = list(summary.loc[_missing(summary), "reason"].dropna().unique())
    measured = set(summary.loc[summary["value"].notna(), "column"])
    cells = {
        (cell["row"], cell["column"]): _cell(cell, footnotes, cell["column"] in measured)
        for cell in summary.to_dict("records")
    }
    rows = dict(zip(summary["row"], summary["row_label"], strict=True))
    units = {"%": " (%)", "% of trainings": " (%)", "L2": " (L2)"}
    columns = {
        cell["column"]: cell["column_label"] + units.get(cell["unit"], "")
        for cell in summary.to_dict("records")
    }
    body = [
        (label, [cells.get((row, column)) for column in columns]) for row, label in rows.items()
    ]
    has_paper = bool(summary["paper"].notna().any())
    return Table(
        name, title, _constant(method, "CORNER", "row"), list(columns.values()), body, has_paper,
        _caption(summary), _constant(method, "NOTE", ""), footnotes,
    )  # fmt: skip


def repeated(
    summaries: Mapping[str, pd.DataFrame], tables: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Tables with the same rows as an earlier one of the same method, each with that one's name.

    So are the trainings, the bounds or the ledger of experiments on the same nets and images.

    Args:
        summaries: the tables by name, with the schema of `analyses.kit`.
        tables: their entries in the config.
    """
    found: dict[str, str] = {}
    for name, frame in summaries.items():
        for other in summaries:
            if other == name:
                break
            alike = tables[name]["method"] == tables[other]["method"]
            if alike and other not in found and frame.equals(summaries[other]):
                found[name] = other
                break
    return found


def figure(cell: Mapping[str, Any]) -> tuple[str, str]:
    """The value of a summary's cell and its interval, as text; "" where there is none.

    Over fewer networks than `statistics.FEWEST` there is none.
    """
    value, low, high = (
        "" if pd.isna(cell[end]) else number(cell[end], cell["unit"])
        for end in ("value", "low", "high")
    )
    few = cell.get("interval") == "student" and cell["networks"] < FEWEST
    return value, f"{low}, {high}" if low and high and not few else ""


def _constant(method: str, name: str, otherwise: str) -> str:
    """A text that an analysis' module declares."""
    said: Any = None
    with suppress(InputError):  # a module that is not here
        said = methods.declared("analyses", method, name)
    return said if isinstance(said, str) else otherwise


def _missing(summary: pd.DataFrame) -> pd.Series:
    return summary["value"].isna() & summary["text"].isna()


def _caption(summary: pd.DataFrame) -> str:
    counted = sorted(n for n in summary["n"].unique() if n)
    images = " to ".join(str(n) for n in dict.fromkeys([*counted[:1], *counted[-1:]]))
    parts = [f"n = {images} images"] if counted else []
    networks = summary["networks"].max() if len(summary) else 0
    parts += [f"mean of {networks} seeds"] if networks > 1 else []
    few = summary["interval"].eq("student") & (summary["networks"] < FEWEST)
    parts += [f"no interval over fewer than {FEWEST}"] if few.any() else []
    shown = summary.loc[~few, "interval"].dropna().unique()
    kinds = [INTERVALS.get(kind, kind) for kind in shown]
    parts += [f"in square brackets the 95% interval: {'; '.join(kinds)}"] if kinds else []
    return ", ".join(parts)


def _cell(cell: Mapping[str, Any], footnotes: Sequence[str], is_measured: bool) -> Cell:
    value, interval = figure(cell)
    text, reason = cell["text"], cell["reason"]
    if isinstance(text, str):
        shown = text
    elif not value:
        shown = f"– ({footnotes.index(reason) + 1})" if isinstance(reason, str) else "–"
    else:
        shown = value
    paper = "" if pd.isna(cell["paper"]) else f"{cell['paper']:g}"
    shade = cell["value"] / 100 if cell["unit"] == "% error" and value else None
    worded: float | str = text if isinstance(text, str) and not is_measured else ""
    worded = LARGEST if text == NOT_FOOLED else worded
    order = cell["value"] if value else worded
    return Cell(shown, interval, paper, _detail(cell, value, interval, paper), shade, order)


def _detail(cell: Mapping[str, Any], value: str, interval: str, paper: str) -> str:
    notes = [f"{value} {cell['unit']}".strip()] if value else []
    notes += [f"{cell['n']} images"] if cell["n"] else []
    notes += [f"mean of {cell['networks']} seeds"] if cell["networks"] > 1 else []
    kind = INTERVALS.get(cell["interval"], cell["interval"])
    notes += [f"95% interval {interval.replace(', ', ' to ')}, {kind}"] if interval else []
    notes += [f"paper {paper}"] if paper else []
    has_reason = not value and isinstance(cell["reason"], str)
    notes += [f"no figure: {cell['reason']}"] if has_reason else []
    return "; ".join(notes)
