"""The report's first screen: verdicts on claims, or key figures, by fixed rules from the tables.

A config's claims are judged by its tables (`report.verdicts`). An analysis declares the headlines
of its table in a constant `HEADLINE` of its module: a key of `JUDGED`, or a mapping from columns to
descriptions, each of which makes the column's range over the rows a key figure. A run with claims,
or with a table of verdicts, has its verdicts on the first screen; any other has its key figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from blindspots.analyses.kit import NOT_FOOLED, OVER_ALL
from blindspots.analyses.masking import WARNING
from blindspots.config import traits
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.report import verdicts
from blindspots.report.bidi import isolated
from blindspots.report.summaries import figure, repeated

Config = Mapping[str, Any]


class Headline(NamedTuple):
    """One line of the first screen.

    Attributes:
        claim: the claim, or a description of the key figure.
        verdict: the verdict, in the table's words; "" for a key figure without one.
        figure: the key figure with its unit.
        interval: 95% interval of the figure; "" if it has none.
        note: the rule of the verdict, or the rows and the table of the figure.
        table: the table's name in the config.
    """

    claim: str
    verdict: str
    figure: str
    interval: str
    note: str
    table: str


class Warned(NamedTuple):
    """A warning about a net, shown before its figures: label, reason, and the table's name."""

    net: str
    text: str
    table: str


FOUND = ("distortion", "found")
"""Columns of distances that attacks found. A row whose attack failed on more than half of the
images is left out of the range, and named in the note."""


def headlines(
    config: Config,
    summaries: Mapping[str, pd.DataFrame],
    claims: Sequence[Config] = (),
    doubts: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Headline]:
    """Return the lines of a run's first screen: its verdicts, or else its key figures.

    Of equal tables (`summaries.repeated`), only the first has lines.

    Args:
        config: the run's config, checked.
        summaries: the tables by name, with the schema of `analyses.kit`.
        claims: the run's claims, as `config.claims.claims_of` returns them.
        doubts: doubts about the nets of each table, as `doubts_in` returns them.
    """
    judged = [*_claimed(config, summaries, claims, doubts or {})]
    measured: list[Headline] = []
    again = repeated(summaries, config["tables"])
    for name, summary in summaries.items():
        if name in again:
            continue
        table = config["tables"][name]
        said = _declared(table["method"])
        if isinstance(said, str):
            judged += JUDGED[said](name, table["title"], summary)
        else:
            measured += _ranges(name, table["title"], summary, said)
    return judged or measured


def doubts_in(read: Mapping[str, pa.Table]) -> dict[str, dict[str, str]]:
    """Return the doubts about nets, by table and label, that the tables' jobs recorded.

    Args:
        read: the tables by name.
    """
    return {name: tables.metadata(table).get("doubts", {}) for name, table in read.items()}


def warned(summaries: Mapping[str, pd.DataFrame]) -> list[Warned]:
    """Return the warnings of the tables; one that several tables give of a net comes once.

    Args:
        summaries: the tables, as for `headlines`.
    """
    found: dict[tuple[str, str], Warned] = {}
    for name, summary in summaries.items():
        warnings = summary[summary["column"].eq(WARNING) & summary["text"].notna()]
        for net, text in zip(warnings["row_label"], warnings["text"], strict=True):
            found.setdefault((net, text), Warned(net, text, name))
    return list(found.values())


def _declared(method: str) -> str | Mapping[str, str]:
    """Return an analysis's `HEADLINE`; {} if its module has none, or is missing."""
    said: Any = None
    with suppress(InputError):  # a missing module
        said = traits.constant("analyses", method, "HEADLINE")
    words = list(said.values()) if isinstance(said, Mapping) else []
    if said is None or said in list(JUDGED) or (words and all(isinstance(w, str) for w in words)):
        return said or {}
    raise InputError(
        f"{method}: expected the constant HEADLINE to be one of {', '.join(JUDGED)}, or a "
        f"mapping from columns to descriptions, found {said!r}; correct it"
    )


def _claimed(
    config: Config,
    summaries: Mapping[str, pd.DataFrame],
    claims: Sequence[Config],
    doubts: Mapping[str, Mapping[str, str]],
) -> Iterator[Headline]:
    """Iterate over the claims, a line each."""

    def read(run: str, table: str) -> pd.DataFrame | None:
        return summaries.get(table) if run == config["run"] else None

    for of in verdicts.verdicts(claims, read, lambda _, table: doubts.get(table, {})):
        printed = of.claim["printed"]
        said = [of.claim["where"], None if printed is None else f"printed {printed:g}"]
        note = "; ".join([of.note, *filter(None, said)])
        yield Headline(isolated(of.claim["claim"]), of.word, of.figure, of.interval, note, of.table)


def _differences(name: str, title: str, summary: pd.DataFrame) -> Iterator[Headline]:
    """Iterate over the differences of two errors, a line each."""
    differences = summary[summary["unit"].eq("% points") & summary["value"].notna()]
    for cell in differences.to_dict("records"):
        value, interval = figure(cell)
        verdict = "cannot tell"
        if interval and (cell["low"] > 0 or cell["high"] < 0):
            verdict = "higher" if cell["low"] > 0 else "lower"
        claim = f"{cell['row_label']}: {cell['column_label']}"
        note = "lower or higher if the interval excludes 0"
        yield Headline(claim, verdict, f"{value} points", interval, note, name)


def _counted(name: str, title: str, summary: pd.DataFrame) -> Iterator[Headline]:
    """Count the verdicts of one table, the most frequent first, after the one over all if any."""
    summary = summary[summary["unit"] != "p"]
    joins = summary["row"].eq(OVER_ALL) & summary["text"].notna()
    for cell in summary[joins].to_dict("records"):
        claim = f"{title}, {cell['row_label']}, {cell['column_label']}"
        yield Headline(claim, cell["text"], "", "", "the primary endpoint", name)
    counts = summary.loc[~joins, "text"].value_counts()
    if counts.empty:
        return
    total = f"{counts.iloc[0]} of {counts.sum()}"
    others = ", ".join(f"{verdict} {count}" for verdict, count in counts.iloc[1:].items())
    yield Headline(title, str(counts.index[0]), total, "", others or "all the same", name)


JUDGED = {"differences": _differences, "counted verdicts": _counted}
"""Functions that make the headlines of tables of verdicts, by the value of `HEADLINE`."""


def _ranges(
    name: str, title: str, summary: pd.DataFrame, columns: Mapping[str, str]
) -> Iterator[Headline]:
    for column, claim in columns.items():
        of = summary[summary["column"] == column]
        apart = of["row"].isin(_resisting(summary)) & (column in FOUND)
        note = [f"{NOT_FOOLED}: {', '.join(of.loc[apart, 'row_label'])}"] if apart.any() else []
        cells = of[of["value"].notna() & ~apart].sort_values("value")
        if len(cells):
            ends = cells.iloc[[0, -1]].to_dict("records")
            least, most = (_shown(cell) for cell in ends)
            shown = least if least == most else f"{least} to {most}"
            first, last = (cell["row_label"] for cell in ends)
            rows = first if first == last else f"least {first}, most {last}"
            figure_of = _with_unit(shown, ends[0]["unit"])
            yield Headline(claim, "", figure_of, "", "; ".join([rows, *note, title]), name)
        elif note:
            yield Headline(claim, "", NOT_FOOLED, "", "; ".join([*note, title]), name)


def _resisting(summary: pd.DataFrame) -> pd.Series:
    """Return the rows whose attack failed on more than half of the images."""
    return summary.loc[summary["column"].eq("success") & (summary["value"] < 50), "row"]


def _shown(cell: Mapping[str, Any]) -> str:
    """Return a cell's figure as its table shows it, for example with its number of images."""
    return cell["text"] if isinstance(cell["text"], str) else figure(cell)[0]


def _with_unit(shown: str, unit: str) -> str:
    if shown == NOT_FOOLED:
        return shown
    return f"{shown} {unit.removesuffix(' error')}".strip() if shown else "none"
