"""A run's tables as a Markdown page, for the project's own docs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from blindspots import tables
from blindspots.provenance import versions
from blindspots.report.summaries import Cell, Table, printable

MOST_ROWS = 80
"""Of a table: longer ones are left to the report."""


def page(
    title: str,
    summaries: Mapping[str, str | Path],
    histories: Mapping[str, str | Path],
    command: str,
    figures: Mapping[str, str] | None = None,
) -> str:
    """Every table of a run, and what its trainings took.

    Args:
        title: of the page.
        summaries: files of the tables, by name.
        histories: files of the trainings' histories, by what the nets are called.
        command: that makes the page, to say so at its top.
        figures: by title the files of some, as the page names them.

    Raises:
        InputError: a file that is not there, or damaged.
    """
    found = {name: tables.read(path) for name, path in summaries.items()}
    commits = sorted({tables.metadata(table)["commit"] for table in found.values()})
    installed = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts = [
        f"# {title}",
        f"Written by `{command}` from the tables of the run; nothing here is typed by hand.\n"
        f"Commit {', '.join(commits)}; {installed}.",
        "In transfer tables a cell is the share of the row's images, in percent, that the column's "
        "net gets wrong. Distortion is RMS per pixel. The paper's figure is in brackets.",
    ]
    for name, table in found.items():
        heading = tables.metadata(table)["title"]
        body = _markdown(printable(name, heading, table.to_pandas()))
        parts.append(f"## {heading}\n\n{body}")
    parts += [f"## {title}\n\n![{title}]({file})" for title, file in (figures or {}).items()]
    parts.append(f"## Wall time of the trainings\n\n{_times(histories)}")
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table) -> str:
    if len(table.rows) > MOST_ROWS:
        return f"{len(table.rows)} rows, which the report has."
    rows = [[table.name, *table.columns], ["---", *["---:"] * len(table.columns)]]
    rows += [[label, *map(_text, cells)] for label, cells in table.rows]
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    notes = [f"{table.caption}."] if table.caption else []
    notes += [f"({mark}) {reason}" for mark, reason in enumerate(table.footnotes, 1)]
    return "\n\n".join([text, *notes])


def _text(cell: Cell | None) -> str:
    if cell is None:
        return ""
    interval = f" [{cell.interval}]" if cell.interval else ""
    paper = f" ({cell.paper})" if cell.paper else ""
    return cell.value + interval + paper


def _times(histories: Mapping[str, str | Path]) -> str:
    rows = ["| net | iterations | seconds |", "| --- | ---: | ---: |"]
    for label, path in histories.items():
        end = tables.read(path, ["iteration", "seconds"]).to_pylist()[-1]
        rows.append(f"| {label} | {end['iteration']} | {end['seconds']:.0f} |")
    return "\n".join(rows)
