"""List, or remove, files of runs that their configs no longer make.

Only files of the runs that the configs name: below results/RUN and logs/RUN, and below resources/
if there are no other runs that may need them.

Examples:
  blindspots prune my.yaml other.yaml
  blindspots prune config.yaml+papers/szegedy2013/replicates.yaml my.yaml --delete
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from blindspots.commands import _shared
from blindspots.config.checkout import workflow
from blindspots.interface import InputError


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "configs",
        nargs="+",
        help="configs of the runs; base.yaml+over.yaml: one merged over another",
    )
    parser.add_argument("--delete", action="store_true", help="remove the files, after you confirm")
    parser.add_argument("--yes", action="store_true", help="remove them without asking")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each file, and their total size."""
    from blindspots.runs.housekeeping import RESULTS, other_runs, remove, unneeded

    configs = [_files(config) for config in arguments.configs]
    runs = {_shared.read(*config)["run"] for config in configs}
    if arguments.delete:
        _shared.assert_unlocked(_shared.again("run", *configs[0]))
        if not arguments.yes and not (sys.stdin and sys.stdin.isatty()):
            raise InputError("--delete: expected a terminal to ask on, found none; add --yes")
    found = unneeded(workflow("Snakefile"), configs, runs)
    for path in found:
        print(path)
    if others := other_runs(runs):
        kept = ", ".join(str(RESULTS / name) for name in others)
        print(f"Left alone: {kept} and resources, since no config names them", file=sys.stderr)
    size = sum(path.stat().st_size for path in found) / 2**20
    told = f"{len(found)} files, {size:.1f} MiB"
    if not found or not arguments.delete:
        print(f"{told}; to remove them: --delete" if found else told)
        return
    if not arguments.yes and not _agreed(f"{told}; remove them? [y/N] "):
        raise InputError("nothing was removed")
    remove(found)
    print(f"{told}; removed")


def _files(config: str) -> list[Path]:
    """Return the files of a config and its overlays; a file's name may contain a +."""
    return [Path(config)] if Path(config).exists() else [Path(p) for p in config.split("+")]


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
