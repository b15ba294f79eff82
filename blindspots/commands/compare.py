"""Show which figures of two runs' tables differ, and by how much.

Example:
  blindspots compare results/paper results/replicates
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("before", type=Path, help="folder of a run, such as results/paper")
    parser.add_argument("after", type=Path, help="folder of another run")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each figure that differs."""
    from blindspots.runs.comparison import compare, moved

    cells = compare(arguments.before, arguments.after)
    found = moved(cells)
    for cell in found.itertuples():
        before, after = (
            "none" if value != value else f"{value:.6g}" for value in (cell.before, cell.after)
        )
        percent = cell.change_percent
        change = "" if percent != percent else f" ({percent:+.3g}%)"
        print(f"{cell.table}: {cell.row}, {cell.column}: {before} → {after} {cell.unit}{change}")
    print(f"{len(found)} of {len(cells)} figures differ")
