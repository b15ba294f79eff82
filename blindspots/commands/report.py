"""Make a run's report again, and print its path.

It is made from the results that exist. Nothing else is computed; missing results are named.

Examples:
  blindspots report my.yaml --open
  blindspots report my.yaml --snakemake my-report.zip

The report is one file, results/RUN/report.html, which can be shared. --snakemake also makes
Snakemake's own report: the same page, with every table and figure and their provenance.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from blindspots.commands import _shared
from blindspots.commands._follow import follow
from blindspots.interface import InputError
from blindspots.runs import logs


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "configs", type=Path, nargs="+", metavar="config.yaml", help="config of the run"
    )
    parser.add_argument("--open", action="store_true", help="open it in a browser")
    parser.add_argument(
        "--snakemake", type=Path, metavar="FILE.zip", help="also make Snakemake's report"
    )
    parser.set_defaults(takes_more=True)


def run(arguments: argparse.Namespace) -> None:
    """Let Snakemake make the report and nothing else."""
    config = _shared.read(*arguments.configs)
    page = _shared.report_of(config)
    archive = arguments.snakemake
    if archive and not (archive.suffix in (".zip", ".html") and archive.absolute().parent.is_dir()):
        raise InputError(
            f"--snakemake: expected a .zip or .html file in a folder that exists, found {archive}"
        )
    again = ["--force"] if page.exists() and not is_whole(page) else []
    options = ["--cores", "1", *again, *arguments.more, "--allowed-rules", "report"]
    _made(arguments.configs, config["run"], *options, "--", str(page))
    print(f"The report: {page.absolute()}")
    if archive:
        _made(arguments.configs, config["run"], "--report", str(archive))
        print(f"Snakemake's report: {archive.absolute()}")
    if arguments.open and not webbrowser.open(page.absolute().as_uri()):
        print("expected a browser, found none; open the file by hand", file=sys.stderr)


def is_whole(page: Path) -> bool:
    """Return whether a page is complete: neither emptied nor cut off.

    Args:
        page: an HTML file.
    """
    return page.read_bytes().rstrip().endswith(b"</html>")


def _made(configs: Sequence[Path], run: str, *options: str) -> None:
    """Run Snakemake without its output; if it fails, say what the user can do."""
    began = time.time()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        status = follow(_shared.snakemake(configs, *options), output)
        output.seek(0)
        said = output.read()
    if status > 128:  # interrupted
        sys.exit(status)
    if status == 0:
        return
    _, _, missing = said.partition("affected files:")
    if "MissingInputException" in said and missing:
        raise InputError(
            f"{missing.split()[0]}: expected the results of a finished run, found none; make them "
            f"by {_shared.again('run', *configs)}"
        )
    if failed := logs.faults(Path("logs", run), began):
        raise InputError("\n".join(failed))
    _shared.assert_unlocked(_shared.again("report", *configs))
    print(said, file=sys.stderr)
    sys.exit(status)
