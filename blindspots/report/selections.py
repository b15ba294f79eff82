"""Cells of result tables that a claim's selections name, and doubts about their nets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from blindspots.config.cells import matching
from blindspots.config.methods import did_you_mean
from blindspots.config.wording import shown
from blindspots.interface import InputError

Read = Callable[[str, str], pd.DataFrame | None]
"""Function from a run and a table to its cells (`analyses.kit.SCHEMA`); None: no such table."""

Doubts = Callable[[str, str], Mapping[str, str]]
"""Function from a run and a table to doubts about its nets, by label (`jobs.expect.doubts`)."""


def no_doubts(run: str, table: str) -> Mapping[str, str]:
    """Return no doubts about any net."""
    return {}


class RunTables(NamedTuple):
    """A run and the tables that were read of it, by name."""

    name: str
    tables: Mapping[str, pd.DataFrame]


Runs = tuple[str, ...]
"""Runs of a selection, in the order in which they are tried."""


def runs_read(
    claim: Mapping[str, Any], read: Read
) -> tuple[dict[Runs, RunTables], tuple[list[str], Runs] | None]:
    """Return the run that is read instead of each list of runs: the first with all its tables.

    If there is none, return the missing tables and the list of runs as well.
    """
    wanted: dict[Runs, list[str]] = {}
    for of in [*claim["cells"], *claim["less"]]:
        wanted.setdefault(tuple(of["runs"]), []).append(of["table"])
    found = {}
    for runs, names in wanted.items():
        there: set[str] = set()
        for run in runs:
            tried = {name: read(run, name) for name in dict.fromkeys(names)}
            tables = {name: frame for name, frame in tried.items() if frame is not None}
            if len(tables) == len(tried):
                found[runs] = RunTables(run, tables)
                break
            there |= {*tables}
        else:
            return found, ([name for name in tried if name not in there] or [*tried], runs)
    return found, None


def table_of(of: Mapping[str, Any], read_by: Mapping[Runs, RunTables]) -> tuple[str, pd.DataFrame]:
    """Return the run that was read for a selection, and its table."""
    run = read_by[tuple(of["runs"])]
    return run.name, run.tables[of["table"]]


def selected(of: Mapping[str, Any], run: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of a table that a selection names."""
    chosen = frame
    for part, column in (("rows", "row"), ("columns", "column")):
        if of[part] is not None:
            wanted = _matching(of, part, f"a {column} of the table {of['table']}", run, frame)
            chosen = chosen[chosen[column].isin(wanted)]
    if chosen.empty:
        raise InputError(
            f"{of['key']}: expected cells of the table {of['table']} of the run {run}, found none "
            "in these rows and columns"
        )
    return chosen


def _matching(
    of: Mapping[str, Any], part: str, what: str, run: str, frame: pd.DataFrame
) -> set[str]:
    """Return the rows or columns of a table that match a selection's names, which may contain *."""
    known = list(dict.fromkeys(frame[part.removesuffix("s")]))
    found: set[str] = set()
    for name in of[part]:
        meant = matching(name, known)
        if not meant:
            raise InputError(
                f"{of['key']}.{part}: expected {what} of the run {run} ({', '.join(known)}), found "
                f"{shown(name)}{did_you_mean(name, known)}"
            )
        found |= {*meant}
    return found


BEFORE = "(?:^|(?<=: )|(?<= → )|(?<= − ))"
AFTER = "(?=$|: | → |, | × | amplified to | rejected$)"
"""Text before and after a net's whole name in the labels of rows and columns."""


def doubts_about(cells: pd.DataFrame, doubts: Mapping[str, str]) -> list[str]:
    """Return the doubts about nets that cells name; a cell without names is about all of them.

    A net without doubts counts only by its whole name: it may be called "test", and a column "test
    error".
    """
    if not any(doubts.values()):
        return []
    text = cells["row_label"] + "\n" + cells["column_label"]

    def named_in(label: str, whole: bool) -> pd.Series:
        before, after = (BEFORE, AFTER) if whole else (r"(?<!\w)", r"(?!\w)")
        return text.str.contains(before + re.escape(label) + after, flags=re.MULTILINE)

    named = {label: named_in(label, whole=not said) for label, said in doubts.items()}
    of_all = ~pd.concat(named, axis=1).any(axis=1)
    return [
        f"about {label}" if said in label else f"about {label} ({said})"
        for label, said in doubts.items()
        if said and (named[label] | of_all).any()
    ]
