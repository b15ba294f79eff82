"""Verdicts on claims, by the cells of result tables and the rules of `config.claims`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from blindspots.analyses.kit import number
from blindspots.config.wording import shown
from blindspots.interface import InputError
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
    UNDECIDED: "the interval straddles the margin",
    NOT_JUDGED: "no rule, another scale, a printed figure that is not confirmed, a net whose clean "
    "error is not the expected one, or cells that the table lacks",
    NOT_RUN: "the run's tables do not exist",
}
"""The verdicts and the meaning of each."""

REDUCTIONS: dict[str, Callable[[np.ndarray], float]] = {
    "one": np.mean, "least": np.min, "largest": np.max, "mean": np.mean,
}  # fmt: skip


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


class _Measured(NamedTuple):
    value: float
    interval: Interval  # NaN: no interval
    unit: str
    text: str | None


def judged(claim: Mapping[str, Any], read: Read, doubts: Doubts = no_doubts) -> Verdict:
    """Judge a claim.

    The runs of a selection are tried in order, and the first is read that has all tables that the
    claim selects from the same runs, so that it mixes none of them. A figure without an interval is
    judged by its value, and the note says so. A claim about a net whose clean error is not the
    expected one is not judged, but keeps its figure.

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
    chosen = [[selected(*found) for found in part] for part in parts if part]
    first, *less = (_reduced(claim, pd.concat(part)) for part in chosen)
    doubted = dict.fromkeys(
        said
        for part, cells in zip(parts, chosen, strict=False)
        for (of, run, _), some in zip(part, cells, strict=True)
        for said in doubts_about(some, doubts(run, of["table"]))
    )
    measured = _difference(first, less[0], claim["key"]) if less else first
    note = f"{rule}; {_where(claim)}"
    word = _word(claim, measured)
    if claim["scale"]:
        word, note = NOT_JUDGED, f"{claim['scale']}; {note}"
    elif claim["source"] == "from memory":
        word, note = NOT_JUDGED, f"the printed figure is not confirmed; {note}"
    elif doubted:
        word, note = NOT_JUDGED, "; ".join([*doubted, note])
    elif np.isnan(measured.interval.low) and not np.isnan(measured.value):
        note = f"by the value, which has no interval; {note}"
    by = tuple(dict.fromkeys((run, of["table"]) for part in parts for of, run, _ in part))
    return Verdict(claim, word, *_said(measured), note, *by[0], judged_by=by)


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
    sign, margin, weakly = _margins(claim)
    interval = measured.interval
    if np.isnan(interval.low):
        interval = Interval(measured.value, measured.value)
    ends = sorted(sign * np.array(interval))
    return by_interval(Interval(*ends), sign * margin, sign * weakly)


def _margins(claim: Mapping[str, Any]) -> tuple[int, float, float]:
    """Return 1 if a figure should be large, else -1; the margin, and the weaker one."""
    side = "at_most" if claim["at_least"] is None else "at_least"
    return (1 if side == "at_least" else -1), claim[side], claim.get("weakly", claim[side])


def _rule(claim: Mapping[str, Any]) -> str:
    if not claim["cells"]:
        return ""
    sign, margin, weakly = _margins(claim)
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
    return reduced + cells + (f", less {reduced}{less}" if less else "")


def _reduced(claim: Mapping[str, Any], cells: pd.DataFrame) -> _Measured:
    """Reduce cells to the least, the largest or the mean, of the values and of the interval's ends.

    The interval of the least, for example, goes from the least lower end to the least upper end.
    """
    units = list(dict.fromkeys(cells["unit"]))
    reduction = claim["reduction"]
    if len(units) > 1:
        raise InputError(
            f"{claim['key']}: expected cells of one unit, found {', '.join(map(shown, units))}"
        )
    if reduction == "one" and len(cells) > 1:
        raise InputError(
            f"{claim['key']}: expected one cell, found {len(cells)}; add a reduction (least, "
            "largest, mean), or name its row and column"
        )
    unknown = cells[cells["value"].isna()]
    if len(unknown):
        text = next((text for text in unknown["text"] if isinstance(text, str)), None)
        return _Measured(np.nan, NONE, units[0], text)
    reduce = REDUCTIONS[reduction]
    ends = (cells[end].to_numpy(float) for end in ("value", "low", "high"))
    value, low, high = (float(reduce(each)) for each in ends)
    interval = NONE if np.isnan(low) or np.isnan(high) else Interval(low, high)
    text = cells["text"].iloc[0] if len(cells) == 1 else None
    return _Measured(value, interval, units[0], text if isinstance(text, str) else None)


def _difference(first: _Measured, less: _Measured, key: str) -> _Measured:
    """Return a difference with its widest possible interval: the two may depend on each other."""
    if first.unit != less.unit:
        raise InputError(f"{key}: expected cells of one unit, found {first.unit} and {less.unit}")
    low, high = first.interval.low - less.interval.high, first.interval.high - less.interval.low
    unit = "points" if first.unit in ("%", "% error") else first.unit
    return _Measured(first.value - less.value, Interval(low, high), unit, None)


def _said(measured: _Measured) -> tuple[str, str]:
    """Return a figure with its unit, and its interval, as text."""
    value, (low, high), unit, text = measured
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
