"""The first screen: a verdict per claim with its key figure, by rule from the tables.

A config's claims are judged by its tables (`report.verdicts`). An analysis says what a reader
should see of its table in a constant `HEADLINE` of its module: a key of `JUDGED`, or words by
column, whose range over the rows is a key figure then. A run with claims, or with a table that
judges, has its verdicts here, any other its key figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd

from blindspots.analyses.kit import NOT_FOOLED
from blindspots.analyses.masking import WARNING
from blindspots.config import methods
from blindspots.interface import InputError
from blindspots.report import verdicts
from blindspots.report.bidi import isolated
from blindspots.report.summaries import figure

Config = Mapping[str, Any]


class Headline(NamedTuple):
    """One line of the first screen.

    Attributes:
        claim: what is claimed, or measured.
        verdict: as the table has it; "" for a key figure without one.
        figure: the key figure with its unit.
        interval: its 95% interval; "" where there is none.
        note: the rule of the verdict, or what the figure is from.
        table: its name in the config.
    """

    claim: str
    verdict: str
    figure: str
    interval: str
    note: str
    table: str


class Warned(NamedTuple):
    """A warning about a net that precedes its figures: label, reason, and the table's name."""

    net: str
    text: str
    table: str


FOUND = ("distortion", "found")
"""Columns of distances that attacks found: rows where they failed on more than half have no part in
the range, and are named beside it."""


def headlines(
    config: Config, summaries: Mapping[str, pd.DataFrame], claims: Sequence[Config] = ()
) -> list[Headline]:
    """The lines of a run's first screen: its verdicts, or else its key figures.

    Args:
        config: of the run, checked.
        summaries: the tables by name, with the schema of `analyses.kit`.
        claims: of the run, as `config.claims.claims_of` has them.

    Raises:
        InputError: a claim that names a row or a column that its table has not.
    """
    judged = [*_claimed(config, summaries, claims)]
    measured: list[Headline] = []
    for name, summary in summaries.items():
        table = config["tables"][name]
        said = _declared(table["method"])
        if isinstance(said, str):
            judged += JUDGED[said](name, table["title"], summary)
        else:
            measured += _ranges(name, table["title"], summary, said)
    return judged or measured


def warned(summaries: Mapping[str, pd.DataFrame]) -> list[Warned]:
    """The warnings of the tables, those of several tables on one net once.

    Args:
        summaries: as for `headlines`.
    """
    found: dict[tuple[str, str], Warned] = {}
    for name, summary in summaries.items():
        warnings = summary[summary["column"].eq(WARNING) & summary["text"].notna()]
        for net, text in zip(warnings["row_label"], warnings["text"], strict=True):
            found.setdefault((net, text), Warned(net, text, name))
    return list(found.values())


def _declared(method: str) -> str | Mapping[str, str]:
    """Declarations of an analysis on its table; {} if its module has none, or is not there."""
    said: Any = None
    with suppress(InputError):  # a module that is not here
        said = methods.declared("analyses", method, "HEADLINE")
    words = list(said.values()) if isinstance(said, Mapping) else []
    if said is None or said in list(JUDGED) or (words and all(isinstance(w, str) for w in words)):
        return said or {}
    raise InputError(
        f"{method}: expected the constant HEADLINE to be one of {', '.join(JUDGED)}, or words by "
        f"column, found {said!r}; correct it"
    )


def _claimed(
    config: Config, summaries: Mapping[str, pd.DataFrame], claims: Sequence[Config]
) -> Iterator[Headline]:
    """A line per claim."""
    file = config.get("claims")

    def read(run: str, table: str) -> pd.DataFrame | None:
        return summaries.get(table) if run == config["run"] else None

    try:
        judged = verdicts.verdicts(claims, read)
    except InputError as error:
        raise InputError(f"{file}: {error}" if isinstance(file, str) else str(error)) from None
    for of in judged:
        printed = of.claim["printed"]
        said = [of.claim["where"], None if printed is None else f"printed {printed:g}"]
        note = "; ".join([of.note, *filter(None, said)])
        yield Headline(isolated(of.claim["claim"]), of.word, of.figure, of.interval, note, of.table)


def _differences(name: str, title: str, summary: pd.DataFrame) -> Iterator[Headline]:
    """A line per difference of two errors."""
    differences = summary[summary["unit"].eq("% points") & summary["value"].notna()]
    for cell in differences.to_dict("records"):
        value, interval = figure(cell)
        verdict = "cannot tell"
        if interval and (cell["low"] > 0 or cell["high"] < 0):
            verdict = "higher" if cell["low"] > 0 else "lower"
        claim = f"{cell['row_label']}: {cell['column_label']}"
        note = "lower or higher where the interval leaves 0 out"
        yield Headline(claim, verdict, f"{value} points", interval, note, name)


def _counted(name: str, title: str, summary: pd.DataFrame) -> Iterator[Headline]:
    """Counts of the verdicts of one table, the most frequent first."""
    counts = summary["text"].value_counts()
    if counts.empty:
        return
    total = f"{counts.iloc[0]} of {counts.sum()}"
    others = ", ".join(f"{verdict} {count}" for verdict, count in counts.iloc[1:].items())
    yield Headline(title, str(counts.index[0]), total, "", others or "all alike", name)


JUDGED = {"differences": _differences, "counted verdicts": _counted}
"""Headlines of tables that judge, by what an analysis declares."""


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
    """The rows on more than half of whose images the attack failed."""
    return summary.loc[summary["column"].eq("success") & (summary["value"] < 50), "row"]


def _shown(cell: Mapping[str, Any]) -> str:
    """A cell's figure as its table shows it, such as with the number of its images."""
    return cell["text"] if isinstance(cell["text"], str) else figure(cell)[0]


def _with_unit(shown: str, unit: str) -> str:
    if shown == NOT_FOOLED:
        return shown
    return f"{shown} {unit.removesuffix(' error')}".strip() if shown else "none"
