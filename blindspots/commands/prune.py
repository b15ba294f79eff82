"""List, or remove, what lies in results/ and resources/ and no config needs.

Examples:
  blindspots prune my.yaml other.yaml
  blindspots prune config.yaml+presets/replicates.yaml my.yaml --delete
"""

from __future__ import annotations

import argparse
from pathlib import Path

from blindspots.commands import _shared


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "configs", nargs="+", help="all that are in use; base.yaml+over.yaml: one laid over another"
    )
    parser.add_argument("--delete", action="store_true", help="remove it")


def run(arguments: argparse.Namespace) -> None:
    """A line for each file, and their size."""
    from blindspots.housekeeping import remove, unneeded

    configs = [[Path(file) for file in config.split("+")] for config in arguments.configs]
    for config in configs:
        _shared.read(*config)
    found = unneeded(_shared.workflow("Snakefile"), configs)
    size = sum(path.stat().st_size for path in found)
    for path in found:
        print(path)
    if arguments.delete:
        remove(found)
    done = "removed" if arguments.delete else "to remove them: --delete"
    print(f"{len(found)} files, {size / 2**20:.1f} MiB; {done}")
