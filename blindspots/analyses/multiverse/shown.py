"""Result tables of a multiverse: readings, cells, questions, and the price of the search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from blindspots.analyses.kit import NOT_FOOLED, number
from blindspots.analyses.multiverse.cells import Key
from blindspots.analyses.multiverse.scores import Scores, answers_in, best
from blindspots.analyses.multiverse.search import elsewhere, halves, prices
from blindspots.analyses.transfer import row_label

NO_BREAK = "\N{NO-BREAK SPACE}"

ALWAYS = "the true reading always came back"

Row = dict[str, Any]

COLUMNS = [
    "row", "column", "column_label", "value", "unit", "text", "n", "networks", "reason"
]  # fmt: skip


def readings(scores: Scores) -> Iterator[Row]:
    """Cells inside and scores of every reading, the best first.

    Scores of printed tables, ranks and marks are by the discriminating cells.
    """
    tables = sorted({table for table, _, _ in scores.keys})
    groups = [(table, _heading(table), scores.within([table])) for table in tables]
    every = ("all", "all cells", np.ones(len(scores.keys), bool))
    discriminating = ("discriminating", "discriminating cells", scores.discriminating)
    judged = [(key, label, cells & scores.discriminating) for key, label, cells in groups]
    scored = {key: cells for key, _, cells in (*judged, every, discriminating)}
    marks = {
        label: best(scores.scores[:, cells].sum(axis=1))
        for _, label, cells in (*judged, discriminating)
        if cells.any()
    }
    behind = scores.total - scores.total.max()
    for r in np.argsort(-scores.total, kind="stable"):
        row = scores.labels[r]
        for key, label, cells in (*groups, every, discriminating):
            score = scores.scores[r, scored[key]].sum()
            yield _share(row, key, label, scores.inside[r, cells], "of cells")
            yield _cell(row, f"{key} score", f"{label}: log score", score)
        yield _cell(row, "behind", "less the best", behind[r])
        said = [label for label, of in marks.items() if of[r]]
        yield _cell(row, "best", "best of", np.nan, "", ", ".join(said))


def all_cells(scores: Scores, of: str | None) -> Iterator[Row]:
    """Printed figure of every cell, and ours under every reading.

    Args:
        scores: scores of the readings.
        of: printed table whose cells are shown; None: all.
    """
    for c in _chosen(scores, np.ones(len(scores.keys), bool), of):
        row = row_of(scores.keys[c])
        yield _printed(scores, c)
        count = int(scores.inside[:, c].sum())
        text = f"{count} of {len(scores.readings)}" if count else "none"
        share = 100 * scores.inside[:, c].mean()
        yield _cell(row, "inside", "readings that it fits", share, "% of readings", text)
        for r, label in enumerate(scores.labels):
            mark = " ✓" if scores.inside[r, c] else ""
            yield _ours(row, label, label, scores.values[r, c], scores.units[c], mark)


def same_in_all(scores: Scores, cells: np.ndarray, of: str | None) -> Iterator[Row]:
    """Cells that no reading, or every one, explains: the printed figure, and our range.

    Args:
        scores: scores of the readings.
        cells: (c,) bool, the cells.
        of: printed table whose cells are shown; None: all.
    """
    for c in _chosen(scores, cells, of):
        row, unit, values = row_of(scores.keys[c]), scores.units[c], scores.values[:, c]
        known = values[~np.isnan(values)]
        yield _printed(scores, c)
        for key, label, end in (
            ("lowest", "our lowest", np.min),
            ("highest", "our highest", np.max),
        ):
            yield _ours(row, key, label, end(known) if len(known) else np.nan, unit)
        away = np.where(best(scores.scores[:, c]), abs(values - scores.figures[c]), np.inf)
        near = int(np.nan_to_num(away, nan=np.inf).argmin())
        mark = f" ({scores.labels[near]})"
        yield _ours(row, "nearest", "ours at the best score", values[near], unit, mark)


def searched(scores: Scores, shows: list[str], errors_of: Mapping[str, str]) -> Iterator[Row]:
    """Price of the search, and readings that are chosen on some tables and judged on others.

    Args:
        scores: scores of the readings.
        shows: printed tables of transfer.
        errors_of: printed table of errors of the same nets, by these.
    """
    row = "the search"
    for key, label, n in (
        ("readings", "readings", len(scores.readings)),
        ("cells", "cells", len(scores.keys)),
        ("undecided", "cells left out of the score", int(scores.undecided.sum())),
        ("unexplained", "unexplained cells", int(scores.unexplained.sum())),
    ):
        yield _cell(row, key, label, n, "")
    for price in prices(scores):
        row = f"true: {scores.labels[price.truth]}"
        behind = scores.total[price.truth] - scores.total.max()
        yield _cell(row, "behind", "less the best", behind)
        yield _cell(row, "returned", "comes back", 100 * price.returned, "% of searches")
        yield _cell(row, "lead", "lead of a wrong winner", price.lead) | {"reason": ALWAYS}
    for choosing, judging in halves(shows, dict(errors_of)):
        if not all((scores.within(of) & scores.discriminating).any() for of in (choosing, judging)):
            continue
        found = elsewhere(scores, choosing, judging)
        row = f"chosen on {', '.join(map(_heading, choosing))}"
        yield _cell(row, "chosen", "reading", np.nan, "", scores.labels[found.chosen])
        text = f"{found.rank} of {len(scores.readings)}"
        yield _cell(row, "rank", "rank on the others", found.rank, "", text)
        yield _cell(row, "behind", "less the best", found.behind)


def questions(scores: Scores, answers: Mapping[str, str]) -> Iterator[Row]:
    """Answers to each question with the run's answers to all others, the best score first.

    Args:
        scores: scores of the readings.
        answers: answers of the run's reading, by question.
    """
    own, total = scores.readings[0], scores.total
    found: dict[str, dict[str, int]] = {}
    for r, reading in enumerate(scores.readings):
        said = [*answers_in(reading.under)]
        if reading.under == own.under and reading.average != own.average:
            found.setdefault("average", {own.average: 0})[reading.average] = r
        elif len(said) == 1 and reading.average == own.average:
            ((question, answer),) = said
            of = found.setdefault(question, {answers.get(question, "as the run"): 0})
            of.setdefault(answer, r)
    for question, by_answer in found.items():
        most = max(total[r] for r in by_answer.values())
        for answer, r in sorted(by_answer.items(), key=lambda item: -total[item[1]]):
            row = f"{question}: {answer}"
            yield _cell(row, "behind", "less the best answer", total[r] - most)
            yield _share(row, "all", "all cells", scores.inside[r], "of cells")
            decided = scores.inside[r, scores.discriminating]
            yield _share(row, "discriminating", "discriminating cells", decided, "of cells")
            marks = ["best"] * bool(total[r] == most) + ["the run's"] * (r == 0)
            yield _cell(row, "mark", "", np.nan, "", ", ".join(marks))


def by_row(scores: Scores) -> Iterator[Row]:
    """Log score of every printed row of figures under each reading.

    Args:
        scores: scores of the readings.
    """
    for name in dict.fromkeys(map(printed_row, scores.keys)):
        of = np.array([printed_row(key) == name for key in scores.keys])
        sums = scores.scores[:, of].sum(axis=1)
        yield _cell(name, "cells", "cells", int(of.sum()), "")
        for r, label in enumerate(scores.labels):
            yield _cell(name, label, label, sums[r])
        said = ", ".join(
            label for label, most in zip(scores.labels, best(sums), strict=True) if most
        )
        yield _cell(name, "best", "most probable under", np.nan, "", said)


def _chosen(scores: Scores, cells: np.ndarray, of: str | None) -> Iterator[int]:
    for c in np.flatnonzero(cells):
        if of in (None, scores.keys[c][0]):
            yield int(c)


def row_of(key: Key) -> str:
    """Return a cell's row in the tables of cells."""
    return f"{printed_row(key)}, {key[2]}"


def printed_row(key: Key) -> str:
    """Return the row of a cell's printed row in the table of these."""
    return f"{key[0]}: {key[1]}"


def row_labels(keys: Iterable[Key], labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Iterate over cells' and printed rows' labels, such as "Table 2: FC10(1) → FC100", by row.

    Args:
        keys: the cells.
        labels: display name of each net.
    """
    for key in keys:
        table, row, column = key
        name = f"{_heading(table)}: {row_label(row, labels)}"
        yield printed_row(key), name
        yield row_of(key), name + (f" → {labels[column]}" if column in labels else f", {column}")


def _heading(table: str) -> str:
    """Return the heading of a printed table: its name with a capital and a space."""
    return table.replace("table", "Table ")


def _printed(scores: Scores, c: int) -> Row:
    figure = scores.figures[c]
    return _cell(row_of(scores.keys[c]), "paper", "paper", figure, scores.units[c], f"{figure:g}")


def _ours(row: str, key: str, label: str, value: float, unit: str, mark: str = "") -> Row:
    shown = NOT_FOOLED if np.isnan(value) else number(value, unit)
    return _cell(row, key, label, value, unit, shown + mark)


def _share(row: str, key: str, label: str, inside: np.ndarray, of: str) -> Row:
    share = 100 * inside.mean() if len(inside) else np.nan
    return _cell(row, key, label, share, f"% {of}", f"{inside.sum()} of {len(inside)}")


def _cell(
    row: str, key: str, label: str, value: float, unit: str = "nats", text: str | None = None
) -> Row:
    return {
        "row": row, "column": key, "column_label": label, "value": value,
        "unit": unit, "text": text and text.replace(" ", NO_BREAK), "n": 0, "networks": 1,
    }  # fmt: skip
