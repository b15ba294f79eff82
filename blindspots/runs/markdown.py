"""A run's tables as a Markdown page, for the project's own docs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from blindspots.config.claims import claims_of
from blindspots.files import tables
from blindspots.provenance import versions
from blindspots.report.bidi import isolated
from blindspots.report.headlines import Headline, doubts_in, headlines, warned
from blindspots.report.summaries import Cell, Table, printable
from blindspots.report.verdicts import NOT_RUN

MOST_ROWS = 80
"""Maximum rows of a table; longer ones are only in the report."""


class Beside(NamedTuple):
    """Another run of the same nets, such as one under another reading of the paper.

    Attributes:
        run: its name.
        summaries: files of its tables, by name.
    """

    run: str
    summaries: Mapping[str, str | Path]


def page(
    config: Mapping[str, Any],
    summaries: Mapping[str, str | Path],
    histories: Mapping[str, str | Path],
    command: str,
    figures: Mapping[str, str] | None = None,
    note: str | None = None,
    records: Sequence[Mapping[str, Any]] = (),
    size: int = 0,
    beside: Beside | None = None,
) -> str:
    """Return a Markdown page of a run: findings in short, every table, and the cost of the jobs.

    Args:
        config: config of the run, checked.
        summaries: files of the tables, by name.
        histories: files of the trainings' histories, by name of the net.
        command: command that makes the page, named at its top.
        figures: files of the figures to show, relative to the page, by title.
        note: Markdown at the beginning of the page.
        records: Snakemake's measurements of each job (its `benchmark:`).
        size: bytes of all files of the run.
        beside: a run with some of the same tables, whose figures stand beside this run's.

    Raises:
        InputError: a missing or damaged file.
    """
    found = {name: tables.read(path) for name, path in summaries.items()}
    frames = {name: table.to_pandas() for name, table in found.items()}
    commits = sorted({tables.metadata(table)["commit"] for table in found.values()})
    installed = ", ".join(f"{name} {version}" for name, version in versions().items())
    columns = {label for frame in frames.values() for label in frame["column_label"]}
    conventions = {
        "Distortion is RMS per pixel.": any("distortion" in label for label in columns),
        "The paper's figure is in brackets.": any(
            frame["paper"].notna().any() for frame in frames.values()
        ),
    }
    others, lines = {}, headlines(config, frames, claims_of(config), doubts_in(found))
    again: list[Headline] = []
    if beside is not None:
        there = {name: tables.read(path) for name, path in beside.summaries.items()}
        their = {name: table.to_pandas() for name, table in there.items()}
        others = {name: _figures(name, frame) for name, frame in their.items()}
        again = headlines(config, their, claims_of(config), doubts_in(there))
        conventions |= {f"After a slash: the run `{beside.run}`.": bool(others)}
    parts = [
        f"# Results of the run `{config['run']}`",
        *([note] if note else []),
        f"Written by `{command}` from the tables of the run; nothing here is typed by hand.\n"
        f"Commit {', '.join(commits)}; {installed}.",
        *filter(None, [" ".join(said for said, there in conventions.items() if there)]),
    ]
    parts += _in_short(lines, again)
    parts += [f"**{plain(of.net)}**: {plain(of.text)}" for of in warned(frames)]
    for name, table in found.items():
        heading = tables.metadata(table)["title"]
        of = printable(name, heading, frames[name], config["tables"][name]["method"])
        body = markdown(of, others.get(name, {}))
        parts.append(f"## {plain(heading)}\n\n{body}")
    for title, file in (figures or {}).items():
        parts.append(f"## {plain(title)}\n\n![{plain(title)}]({file})")
    parts.append(f"## Wall time of the trainings\n\n{_times(histories)}")
    if records:
        parts.append(f"## What the jobs took\n\n{_taken(records, size)}")
    return "\n\n".join(parts) + "\n"


def _in_short(lines: Sequence[Headline], others: Sequence[Headline]) -> list[str]:
    """Return the report's first screen as Markdown, if it has lines, beside another run's."""
    if not lines:
        return []
    judged = bool(lines[0].verdict)
    their = {(of.claim, of.table): of for of in others if of.verdict != NOT_RUN}
    rows = []
    for line in lines:
        both = [line, *filter(None, [their.get((line.claim, line.table))])]
        verdict = " / ".join(plain(of.verdict) for of in both)
        figures = (plain(of.figure) + (f" [{of.interval}]" if of.interval else "") for of in both)
        shown = [*([verdict] if judged else []), " / ".join(figures)]
        rows.append([plain(line.claim), *shown, plain(line.note)])
    head = ["claim", "verdict", "figure", "by"] if judged else ["measured", "figure", "where"]
    return [f"## {'Verdicts' if judged else 'Key figures'} in short\n\n{grid(head, rows)}"]


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], figures: str = "---") -> str:
    """Return a Markdown table; `figures` is the delimiter below all heads but the first."""
    lines = [head, ["---", *[figures] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain(text: str) -> str:
    """Return text from a config or a table as Markdown that shows it unchanged, in one line."""
    # Markdown shows underscores within a word as they are.
    special = r"[\\`|<>\[\]*~]|\b_|_\b|&(?=#?\w+;)"
    return re.sub(special, r"\\\g<0>", isolated(" ".join(text.splitlines())))


def _figures(name: str, frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the figures of a table as text, by labels of row and column."""
    of = printable(name, "", frame)
    return {
        (label, column): plain(cell.value)
        for label, cells in of.rows
        for column, cell in zip(of.columns, cells, strict=True)
        if cell is not None
    }


def markdown(table: Table, others: Mapping[tuple[str, str], str] | None = None) -> str:
    """Return a printable table as Markdown, with its notes.

    Args:
        table: the table.
        others: figures that stand beside its own, by labels of row and column.
    """
    if len(table.rows) > MOST_ROWS:
        return f"{len(table.rows)} rows, which the report has."
    rows = [
        [
            plain(label),
            *(
                _text(cell, (others or {}).get((label, column)))
                for column, cell in zip(table.columns, cells, strict=True)
            ),
        ]
        for label, cells in table.rows
    ]
    text = grid([plain(table.corner), *map(plain, table.columns)], rows, "---:")
    notes = [plain(table.note)] if table.note else []
    notes += [f"{plain(table.caption)}."] if table.caption else []
    notes += [f"({mark}) {plain(reason)}" for mark, reason in enumerate(table.footnotes, 1)]
    return "\n\n".join([text, *notes])


def _text(cell: Cell | None, other: str | None) -> str:
    if cell is None:
        return ""
    interval = f" [{cell.interval}]" if cell.interval else ""
    paper = f" ({cell.paper})" if cell.paper else ""
    return plain(cell.value) + interval + paper + (f" / {other}" if other else "")


def _times(histories: Mapping[str, str | Path]) -> str:
    rows = []
    for label, path in histories.items():
        end = tables.read(path, ["iteration", "seconds"]).to_pylist()[-1]
        rows.append([plain(label), str(end["iteration"]), f"{end['seconds']:.0f}"])
    return grid(["net", "iterations", "seconds"], rows, "---:")


def _taken(records: Sequence[Mapping[str, Any]], size: int) -> str:
    """Return the number of jobs, times and memory by rule, and the space on the disk."""
    rows = []
    for rule in [*dict.fromkeys(job["rule_name"] for job in records), None]:
        jobs = [job for job in records if rule in (None, job["rule_name"])]
        wall, cpu, memory = (
            # "NA": the job had ended before Snakemake first looked
            [0.0 if job[key] == "NA" else job[key] for job in jobs]
            for key in ("s", "cpu_time", "max_rss")
        )
        figures = (sum(wall), sum(cpu), max(memory))
        rows.append([rule or "all", str(len(jobs)), *(f"{figure:.0f}" for figure in figures)])
    head = ["rule", "jobs", "wall, s", "CPU, s", "most memory of a job, MiB"]
    return "\n\n".join([
        grid(head, rows, "---:"),
        f"{size / 2**20:.0f} MiB of results. Wall times of jobs overlap, and grow where other work "
        "runs beside them.",
    ])  # fmt: skip
