"""A run's tables as a Markdown page, for the project's own docs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blindspots import tables
from blindspots.provenance import versions
from blindspots.report import Cell, Table, printable


def page(folder: str | Path, config: Mapping[str, Any], command: str) -> str:
    """Every table of a run in the order of its config, and what the trainings took.

    Args:
        folder: of the run's results.
        config: of the run, checked.
        command: that makes the page, to say so at its top.

    Raises:
        InputError: a table that is not there.
    """
    folder = Path(folder)
    summaries = {name: tables.read(folder / f"tables/{name}.parquet") for name in config["tables"]}
    commits = sorted({tables.metadata(table)["commit"] for table in summaries.values()})
    installed = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts = [
        f"# Results of the run `{config['run']}`",
        f"Written by `{command}` from the tables of the run; nothing here is typed by hand.\n"
        f"Commit {', '.join(commits)}; {installed}.",
        "In transfer tables a cell is the share of the row's images, in percent, that the column's "
        "net gets wrong. Distortion is RMS per pixel. The paper's figure is in brackets.",
    ]
    for name, table in summaries.items():
        title = tables.metadata(table)["title"]
        parts.append(f"## {title}\n\n{_markdown(printable(name, title, table.to_pandas()))}")
    parts.append(f"## Wall time of the trainings\n\n{_times(folder, config)}")
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table) -> str:
    rows = [[table.name, *table.columns], ["---", *["---:"] * len(table.columns)]]
    rows += [[label, *map(_text, cells)] for label, cells in table.rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _text(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return f"{cell.value} ({cell.paper})" if cell.paper else cell.value


def _times(folder: Path, config: Mapping[str, Any]) -> str:
    rows = ["| net | iterations | seconds |", "| --- | ---: | ---: |"]
    for name, net in config["nets"].items():
        for seed in config["seeds"]:
            path = folder / f"nets/{name}.s{seed}/history.parquet"
            if path.exists():
                history = tables.read(path, ["iteration", "seconds"]).to_pylist()
                end = history[-1]
                rows.append(f"| {net['label']} | {end['iteration']} | {end['seconds']:.0f} |")
    return "\n".join(rows)
