"""Fill in the figures of a page's template from the tables of runs.

A mark is {{RUN/TABLE}} for a whole table, {{RUN/TABLE: ROW / COLUMN}} for one of its figures, or
{{figure RUN/NAME}} for a figure, which is copied beside the page.

Example:
  blindspots fill papers/szegedy2013/reading.md docs/READING.md
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from blindspots.interface import InputError

RESULTS = Path("results")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("template", type=Path, help="Markdown with marks")
    parser.add_argument("page", type=Path, help="page to write, such as docs/READING.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the runs' results")


def run(arguments: argparse.Namespace) -> None:
    """Write the page."""
    from blindspots.runs.template import filled

    if arguments.page.suffix != ".md":
        raise InputError(f"expected a page to write, such as READING.md, found {arguments.page}")
    try:
        template = arguments.template.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{arguments.template}: expected a template, found none ({error})"
        ) from None
    found = filled(template, arguments.results, str(arguments.template))
    named = [arguments.template, arguments.page]
    named += [] if arguments.results == RESULTS else ["--results", arguments.results]
    command = shlex.join(["blindspots", "fill", *map(str, named)])
    head, _, body = found.text.partition("\n")
    said = f"The figures of this page are written by `{command}` from the tables of the runs."
    try:
        arguments.page.write_text(f"{head}\n\n{said}\n{body}", encoding="utf-8")
        for place, file in found.figures.items():
            copy = arguments.page.parent / place
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    except OSError as error:
        raise InputError(
            f"{arguments.page}: expected a page that can be written ({error})"
        ) from None
    print(f"wrote {arguments.page}")
