"""A summary table in printable form: rows and columns of cells, each with its details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd

from blindspots.analyses.kit import NOT_FOOLED, number
from blindspots.config import traits
from blindspots.interface import InputError
from blindspots.report.reductions import OVER_SEEDS
from blindspots.statistics import FEWEST

LARGEST = 1e308
"""Sort key of an infinite figure: the page's scripts accept no larger number."""

INTERVALS = {
    "wilson": "Wilson's, of a rate on one network",
    "student": "Student's, over seeds",
    "exact": "exact (Clopper–Pearson), over the images of one network where all figures are equal",
    "trainings": "exact (Clopper–Pearson), over trainings",
    "paired": "of a paired difference on one network (Agresti and Min 2005)",
    "images": "Student's, over the images of one network",
    "extreme": "of the least or the largest of several means, over seeds (Bonferroni at one end)",
    "extreme images": "of the least or the largest of several means, over images (Bonferroni at "
    "one end)",
    "bootstrap": "of a bootstrap over images, for the networks of one seed",
    "directions": "the wider of Student's over images and the exact one over directions",
    "median": "of a median by order statistics, on one network",
}
"""Descriptions of the 95% intervals, by their names in tables."""


class Cell(NamedTuple):
    """One figure of a table.

    Attributes:
        value: our figure, as text.
        interval: 95% interval of the figure, as text; "" if it has none.
        paper: the paper's figure, as text; "" if it prints none.
        detail: numbers of images and networks, kind of interval, the paper's figure, and the reason
            if there is no figure.
        shade: strength of the background, from 0 to 1; None: plain.
        order: sort key of the row in this column: the unrounded figure; in a column without
            figures, the text; "" if there is none.
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
        name: the table's name in the config.
        title: heading of the table.
        corner: heading of the rows' labels, such as "row".
        columns: headings of the columns.
        rows: label and cells of each row; None: the table has no such cell.
        has_paper: whether the paper prints any of the figures.
        caption: numbers of images and networks behind the figures, and kinds of the intervals.
        note: explanation of the figures; "" if the analysis gives none.
        footnotes: reasons why cells have no value, in the order of their marks (1, 2, …).
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
        title: heading of the table.
        summary: the table, with the schema of `analyses.kit`.
        method: analysis that made the table; its module may have constants `CORNER`, the heading of
            the rows' labels, and `NOTE`, an explanation of the figures.
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
    """Return the tables that equal an earlier one of the same method, each with that one's name.

    Experiments on the same nets and images have equal tables of trainings, bounds and the ledger.

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
    """Return the value of a summary's cell and its interval, as text; "" for a missing one.

    An interval over fewer networks than `statistics.FEWEST` is left out.
    """
    value, low, high = (
        "" if pd.isna(cell[end]) else number(cell[end], cell["unit"])
        for end in ("value", "low", "high")
    )
    few = cell.get("interval") in OVER_SEEDS and cell["networks"] < FEWEST
    return value, f"{low}, {high}" if low and high and not few else ""


def _constant(method: str, name: str, otherwise: str) -> str:
    """Return a text that an analysis's module declares, or another."""
    said: Any = None
    with suppress(InputError):  # a missing module
        said = traits.constant("analyses", method, name)
    return said if isinstance(said, str) else otherwise


def _missing(summary: pd.DataFrame) -> pd.Series:
    return summary["value"].isna() & summary["text"].isna()


def _caption(summary: pd.DataFrame) -> str:
    counted = sorted(n for n in summary["n"].unique() if n)
    images = " to ".join(str(n) for n in dict.fromkeys([*counted[:1], *counted[-1:]]))
    parts = [f"n = {images} images"] if counted else []
    networks = summary["networks"].max() if len(summary) else 0
    parts += [f"mean of {networks} seeds"] if networks > 1 else []
    few = summary["interval"].isin(OVER_SEEDS) & (summary["networks"] < FEWEST)
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
