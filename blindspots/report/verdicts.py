"""Verdicts on claims, by the cells of result tables and the rules of `config.claims`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from blindspots.analyses.kit import number
from blindspots.config.wording import shown
from blindspots.interface import InputError
from blindspots.report.reductions import REDUCTIONS, Cells, cells_of, reduced
from blindspots.report.selections import (
    Doubts,
    Read,
    doubts_about,
    no_doubts,
    runs_read,
    selected,
    table_of,
)
from blindspots.statistics import NONE, Interval

HOLDS, WEAKLY, NOT, UNDECIDED = "holds", "holds weakly", "does not hold", "undecided"
NOT_JUDGED, NOT_RUN = "not judged", "not run"
WORDS = {
    HOLDS: "the whole interval is beyond the margin",
    WEAKLY: "the whole interval is beyond the weaker margin",
    NOT: "the whole interval is on the wrong side of the weaker margin, or of the only one",
    UNDECIDED: "the interval straddles the margin, or there is none",
    NOT_JUDGED: "no rule, another scale, a printed figure that is not confirmed, a net whose clean "
    "error is not the expected one, or cells that the table lacks",
    NOT_RUN: "the run's tables do not exist",
}
"""The verdicts and the meaning of each."""


class Verdict(NamedTuple):
    """A claim and its verdict.

    Attributes:
        claim: the claim, as `config.claims` completes it.
        word: one of `WORDS`.
        figure: our figure with its unit, as its table shows it; "" if there is none.
        interval: interval of the figure, as text; "" if there is none.
        note: the rule and its cells, or the reason why there is no verdict.
        run: run whose tables were read; "" if none were.
        table: the first of these tables.
        fault: error in a claim that its tables cannot judge, with the claim's key; "" for others.
        judged_by: run and name of each table that it was judged by.
        unit: unit of the figure; "" if there is none.
        arms: the cells that it was judged by, and those that were subtracted, if any.
        networks: least number of networks (seeds) behind one of these cells; 0: there is no figure,
            or it has no sampling error.
    """

    claim: Mapping[str, Any]
    word: str
    figure: str
    interval: str
    note: str
    run: str
    table: str
    fault: str = ""
    judged_by: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    arms: tuple[Cells, ...] = ()
    networks: int = 0


class _Measured(NamedTuple):
    value: float
    interval: Interval  # NaN: no interval
    unit: str
    text: str | None
    arms: tuple[Cells, ...]


def judged(claim: Mapping[str, Any], read: Read, doubts: Doubts = no_doubts) -> Verdict:
    """Judge a claim.

    The runs of a selection are tried in order, and the first is read that has all tables that the
    claim selects from the same runs, so that it mixes none of them. A figure without an interval is
    undecided, unless the claim says why it is `exact`. A claim about a net whose clean error is not
    the expected one is not judged, but keeps its figure.

    Args:
        claim: the claim, as `config.claims` completes it.
        read: function that returns a run's table.
        doubts: function that returns the doubts about the nets of a run's table.

    Raises:
        InputError: a row or a column that a table lacks, cells of several units, several cells
            instead of one.
    """
    rule = _rule(claim)
    if not claim["cells"]:
        return Verdict(claim, NOT_JUDGED, "", "", claim["reason"], "", "")
    read_by, missing = runs_read(claim, read)
    if missing:
        names, runs = missing
        note = f"{rule}; needs {' and '.join(names)} of {' or '.join(runs)}"
        return Verdict(claim, NOT_RUN, "", "", note, "", names[0])
    parts = [[(of, *table_of(of, read_by)) for of in claim[part]] for part in ("cells", "less")]
    chosen = [[selected(*found) for found in part] for part in parts]
    doubted = dict.fromkeys(
        said
        for part, cells in zip(parts, chosen, strict=True)
        for (of, run, _), some in zip(part, cells, strict=True)
        for said in doubts_about(some, doubts(run, of["table"]))
    )
    measured = _reduced(claim, *(pd.concat(part) if part else None for part in chosen))
    note = f"{rule}; {_where(claim)}"
    word = _word(claim, measured)
    if claim["scale"]:
        word, note = NOT_JUDGED, f"{claim['scale']}; {note}"
    elif claim["source"] == "from memory":
        word, note = NOT_JUDGED, f"the printed figure is not confirmed; {note}"
    elif doubted:
        word, note = NOT_JUDGED, "; ".join([*doubted, note])
    elif np.isnan(measured.interval.low) and not np.isnan(measured.value):
        why = f"by the value ({claim['exact']})" if claim["exact"] else "it has no interval"
        note = f"{why}; {note}"
    by = tuple(dict.fromkeys((run, of["table"]) for part in parts for of, run, _ in part))
    found = Verdict(claim, word, *_said(measured), note, *by[0])
    sampled = measured.arms and not claim["exact"]
    networks = min(int(some["networks"].min()) for part in chosen for some in part)
    return found._replace(
        judged_by=by, unit=measured.unit, arms=measured.arms, networks=networks if sampled else 0
    )


def by_interval(interval: Interval, margin: float, weakly: float) -> str:
    """Return the verdict on a figure that should be large.

    Args:
        interval: interval of the figure; NaN: nothing was measured.
        margin: smallest figure with which the claim holds.
        weakly: smaller margin, at which the claim holds weakly.
    """
    if np.isnan(interval.low):
        return UNDECIDED
    if interval.low >= margin:
        return HOLDS
    if interval.low >= weakly:
        return WEAKLY
    return NOT if interval.high < weakly else UNDECIDED


def _word(claim: Mapping[str, Any], measured: _Measured) -> str:
    sign, margin, weakly = margins(claim)
    interval = measured.interval
    if np.isnan(interval.low) and claim["exact"]:
        interval = Interval(measured.value, measured.value)
    ends = sorted(sign * np.array(interval))
    return by_interval(Interval(*ends), sign * margin, sign * weakly)


def margins(claim: Mapping[str, Any]) -> tuple[int, float, float]:
    """Return 1 if a claim's figure should be large, else -1; its margin, and the weaker one."""
    side = "at_most" if claim["at_least"] is None else "at_least"
    return (1 if side == "at_least" else -1), claim[side], claim.get("weakly", claim[side])


def _rule(claim: Mapping[str, Any]) -> str:
    if not claim["cells"]:
        return ""
    sign, margin, weakly = margins(claim)
    weak = f", weakly {weakly:g}" if weakly != margin else ""
    return f"{'at least' if sign > 0 else 'at most'} {margin:g}{weak}"


def _where(claim: Mapping[str, Any]) -> str:
    """Name the cells of a claim."""
    said = []
    for part in ("cells", "less"):
        places = []
        for of in claim[part]:
            names = [", ".join(of[name]) for name in ("rows", "columns") if of[name]]
            places.append(": ".join([of["table"], *([" / ".join(names)] if names else [])]))
        said.append("; ".join(places))
    cells, less = said
    reduced = "" if claim["reduction"] == "one" else f"{claim['reduction']} of "
    if claim["less_printed"]:
        return f"{reduced}{cells}, each less the printed figure"
    mean = "mean of " if claim["reduction"] == "mean" else ""
    return reduced + cells + (f", less {mean}{less}" if less else "")


def _reduced(claim: Mapping[str, Any], cells: pd.DataFrame, less: pd.DataFrame | None) -> _Measured:
    """Reduce cells, or their differences from other cells or from printed figures."""
    unit, reduction = _unit(claim, cells, less), claim["reduction"]
    _assert_count(claim, len(cells), 0 if less is None else len(less))
    unknown = cells[cells["value"].isna()]
    if len(unknown) or (less is not None and less["value"].isna().any()):
        text = next((text for text in unknown["text"] if isinstance(text, str)), None)
        return _Measured(np.nan, NONE, unit, text, ())
    if claim["less_printed"]:
        less = _printed(claim, cells)
    arms = [cells_of(part) for part in (cells, less) if part is not None]
    value, low, high = map(float, reduced(arms[0], arms[1] if arms[1:] else None, reduction))
    interval = NONE if np.isnan(low) or np.isnan(high) else Interval(low, high)
    text = cells["text"].iloc[0] if len(cells) == 1 and less is None else None
    return _Measured(value, interval, unit, text if isinstance(text, str) else None, tuple(arms))


def _unit(claim: Mapping[str, Any], cells: pd.DataFrame, less: pd.DataFrame | None) -> str:
    """Return the unit of a claim's figure; all cells must have one unit."""
    every = cells["unit"] if less is None else pd.concat([cells["unit"], less["unit"]])
    if every.nunique() > 1:
        found = ", ".join(map(shown, every.unique()))
        raise InputError(f"{claim['key']}: expected cells of one unit, found {found}")
    is_difference = less is not None or claim["less_printed"]
    return "points" if is_difference and every.iloc[0] in ("%", "% error") else every.iloc[0]


def _assert_count(claim: Mapping[str, Any], cells: int, less: int) -> None:
    """Reject several cells without a reduction, or several to subtract unless it is the mean."""
    reduction = claim["reduction"]
    found = max(cells, less) if reduction == "one" else less
    if reduction != "mean" and found > 1:
        known = ", ".join(name for name in REDUCTIONS if name != "one")
        what = "one cell" if reduction == "one" else f"one cell to subtract for the {reduction}"
        remedy = f"add a reduction ({known})" if reduction == "one" else "take the mean"
        raise InputError(
            f"{claim['key']}: expected {what}, found {found}; {remedy}, or name its row and column"
        )


def _printed(claim: Mapping[str, Any], cells: pd.DataFrame) -> pd.DataFrame:
    """Return the printed figures of some cells as cells without sampling error."""
    lacking = cells[cells["paper"].isna()]
    if len(lacking):
        row, column = lacking.iloc[0][["row", "column"]]
        raise InputError(
            f"{claim['key']}: expected a printed figure in each cell, found none in "
            f"{row} / {column}; name those that have one"
        )
    paper = cells["paper"]
    return cells.assign(value=paper, low=paper, high=paper, interval=None)


def _said(measured: _Measured) -> tuple[str, str]:
    """Return a figure with its unit, and its interval, as text."""
    value, (low, high), unit, text, _ = measured
    own = "" if np.isnan(value) else number(value, unit)
    named = unit.removesuffix(" error") if own and (text or own).startswith(own) else ""
    ends = "" if np.isnan(low) else f"{number(low, unit)}, {number(high, unit)}"
    return f"{text or own} {named}".strip() or "none", ends


def verdicts(
    claims: Sequence[Mapping[str, Any]], read: Read, doubts: Doubts = no_doubts
) -> list[Verdict]:
    """Judge claims one by one, see `judged`; one with an error is not judged but noted."""
    found = []
    for claim in claims:
        try:
            found.append(judged(claim, read, doubts))
        except InputError as error:
            why, table = str(error).partition(": ")[2], claim["cells"][0]["table"]
            note = f"{why}; {_rule(claim)}"
            found.append(Verdict(claim, NOT_JUDGED, "", "", note, "", table, str(error)))
    return found
