"""Pages of text with figures from the tables of runs: a template's marks are filled in.

A mark is `{{RUN/TABLE}}`, the whole table; `{{RUN/TABLE: ROW / COLUMN}}`, one of its figures with
its interval; or `{{figure RUN/NAME}}`, a figure.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from blindspots.config.methods import did_you_mean
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.report.summaries import figure, printable
from blindspots.runs.markdown import markdown, plain

MARK = re.compile(r"\{\{(.*?)\}\}", re.S)
FIGURE = re.compile(r"figure\s+([^\s/]+)/(\S+)")
CELL = re.compile(r"([^\s/]+)/([^\s:/]+)(?::\s*(.+?)\s+/\s+(.+?))?")


class Filled(NamedTuple):
    """A page.

    Attributes:
        text: the page.
        figures: files of its figures, by their place relative to the page.
    """

    text: str
    figures: dict[str, Path]


def filled(template: str, results: Path, where: str) -> Filled:
    """Fill in the marks of a template.

    Args:
        template: text with marks.
        results: folder of the runs' results.
        where: name of the template, for messages.

    Raises:
        InputError: marks that name what is not there, with a line for each.
    """
    faults: list[str] = []
    figures: dict[str, Path] = {}

    def fill(found: re.Match[str]) -> str:
        try:
            return _filled(" ".join(found[1].split()), results, figures)
        except InputError as error:
            line = template.count("\n", 0, found.start()) + 1
            faults.extend(f"{where}, line {line}: {said}" for said in str(error).splitlines())
            return ""

    text = MARK.sub(fill, template)
    between = MARK.sub(lambda found: "\n" * found[0].count("\n"), template)
    for begin in re.finditer(r"\{\{", between):
        line = between.count("\n", 0, begin.start()) + 1
        faults.append(
            f"{where}, line {line}: expected }}}} at the end of a mark, found none; add it"
        )
    if faults:
        raise InputError("\n".join(faults))
    return Filled(text, figures)


def _filled(mark: str, results: Path, figures: dict[str, Path]) -> str:
    if found := FIGURE.fullmatch(mark):
        run, name = found.groups()
        path = results / run / "figures" / f"{name}.svg"
        _assert_there(path, f"a figure of the run {run}", name)
        place = f"figures/{run}-{name}.svg"
        figures[place] = path
        return f"![{plain(name)}]({place})"
    found = CELL.fullmatch(mark)
    if found is None:
        raise InputError(
            "expected a mark such as {{RUN/TABLE}}, {{RUN/TABLE: ROW / COLUMN}} or {{figure "
            f"RUN/NAME}}}}, found {mark!r}"
        )
    run, name, row, column = found.groups()
    path = results / run / "tables" / f"{name}.parquet"
    _assert_there(path, f"a table of the run {run}", name)
    table = tables.read(path)
    if row is None:
        return markdown(
            printable(name, "", table.to_pandas(), tables.metadata(table).get("method", ""))
        )
    return _figure(table.to_pandas(), row, column)


def _figure(table: pd.DataFrame, row: str, column: str) -> str:
    """Return a figure of a table as text, with its interval and its unit."""
    for part, name in (("row", row), ("column", column)):
        if name not in (known := list(dict.fromkeys(table[part]))):
            raise InputError(
                f"expected a {part} of the table ({', '.join(known)}), found {name!r}"
                f"{did_you_mean(name, known)}"
            )
        table = table[table[part] == name]
    if table.empty:
        raise InputError(f"expected a cell of the table, found none in {row} / {column}")
    cell = table.iloc[0].to_dict()
    value, interval = figure(cell)
    if not value:
        return plain(str(cell["text"] or cell["reason"]))
    unit = {"% error": "%", "RMS per pixel": "", "p": ""}.get(cell["unit"], cell["unit"])
    return plain(" ".join(filter(None, [value, unit]))) + (f" [{interval}]" if interval else "")


def _assert_there(path: Path, what: str, name: str) -> None:
    if not path.exists():
        known = sorted(file.stem for file in path.parent.glob(f"*{path.suffix}"))
        there = ", ".join(known) or "none is there: run the workflow"
        raise InputError(f"expected {what} ({there}), found {name!r}{did_you_mean(name, known)}")
