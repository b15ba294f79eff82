"""Make or renew a run's report, and say where it is.

It is made from the results that are there. Nothing else is computed; where some are missing, it
says so.

Examples:
  blindspots report my.yaml --open
  blindspots report my.yaml --snakemake my-report.zip

The report is one file, results/RUN/report.html, that can be sent to others. --snakemake makes
Snakemake's own report as well: the same page, every table and figure, and how each was made.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from blindspots.commands import _shared
from blindspots.interface import InputError


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("configs", type=Path, nargs="+", metavar="config.yaml", help="of the run")
    parser.add_argument("--open", action="store_true", help="open it in a browser")
    parser.add_argument(
        "--snakemake", type=Path, metavar="FILE.zip", help="make Snakemake's report, too"
    )
    parser.set_defaults(takes_more=True)


def run(arguments: argparse.Namespace) -> None:
    """Let Snakemake make the report, and that alone."""
    page = _shared.report_of(_shared.read(*arguments.configs))
    archive = arguments.snakemake
    if archive and not (archive.suffix in (".zip", ".html") and archive.absolute().parent.is_dir()):
        raise InputError(
            f"--snakemake: expected a .zip or .html file in a folder that exists, found {archive}"
        )
    again = ["--force"] if page.exists() and not is_whole(page) else []
    options = ["--cores", "1", *again, *arguments.more, "--allowed-rules", "report"]
    options += ["--", str(page)]
    _made(arguments.configs, *options)
    print(f"The report: {page.absolute()}")
    if archive:
        _made(arguments.configs, "--report", str(archive))
        print(f"Snakemake's report: {archive.absolute()}")
    if arguments.open and not webbrowser.open(page.absolute().as_uri()):
        print("expected a browser, found none; open the file by hand", file=sys.stderr)


def is_whole(page: Path) -> bool:
    """Whether a page ends as one does, and was neither emptied nor cut off.

    Args:
        page: an HTML file.
    """
    return page.read_bytes().rstrip().endswith(b"</html>")


def _made(configs: Sequence[Path], *options: str) -> None:
    """Run Snakemake in silence; where it fails, say what a person can do about it."""
    command = _shared.snakemake(configs, *options)
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ended.returncode == 0:
        return
    _, _, missing = ended.stdout.partition("affected files:")
    if "MissingInputException" in ended.stdout and missing:
        raise InputError(
            f"{missing.split()[0]}: expected the results of a finished run, found none; make them "
            f"by {_shared.again('run', *configs)}"
        )
    print(ended.stdout, file=sys.stderr)
    sys.exit(ended.returncode)
