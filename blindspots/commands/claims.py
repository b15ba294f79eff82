"""Judge the claims of papers by finished runs.

By default the claims of all papers (papers/*/claims.yaml) are judged, and the register is printed;
name a page to write it to a file.

Examples:
  blindspots claims docs/CLAIMS.md
  blindspots claims papers/szegedy2013/claims.yaml --results results
  blindspots claims papers/szegedy2013/claims.yaml --configs replicates   the configs of a run
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from blindspots.commands import _shared
from blindspots.config.checkout import located
from blindspots.config.claims import claims_in, table_faults
from blindspots.config.lines import with_place, written
from blindspots.config.methods import did_you_mean
from blindspots.interface import InputError
from blindspots.own_code import CHECKOUT

RESULTS = Path("results")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files", type=Path, nargs="*", help="files of claims, then optionally a page to write (.md)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the runs' results")
    parser.add_argument(
        "--configs", nargs="?", const="", metavar="RUN", help="print only the configs of a run"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the register, or print it.

    Raises:
        InputError: claims that their tables cannot judge, a line each, after the register.
    """
    from blindspots.runs import register

    pages = [file for file in arguments.files if file.suffix == ".md"]
    if len(pages) > 1:
        raise InputError(f"expected one page to write, found {', '.join(map(str, pages))}")
    files = [file for file in arguments.files if file.suffix != ".md"]
    files = files or sorted((CHECKOUT / "papers").glob("*/claims.yaml"))
    for file in files:
        _assert_there(located(file))
    papers = [claims_in(located(file)) for file in files]
    if arguments.configs is not None:
        print(*_configs(papers[0], arguments.configs, files[0]))
        return
    under: dict[str, dict[str, Any]] = {}
    for file, paper in zip(files, papers, strict=True):
        configs = _checked(file, paper)
        under |= {run: config["under"] for run, config in configs.items() if "under" in config}
    if arguments.results != RESULTS and not arguments.results.is_dir():
        raise InputError(f"{arguments.results}: expected a folder of results, found none")
    named = [*arguments.files]
    named += [] if arguments.results == RESULTS else ["--results", arguments.results]
    judged = register.judged(papers, arguments.results)
    command = shlex.join(map(str, ["blindspots", "claims", *named]))
    text = register.page(papers, judged, command, arguments.results, under)
    _write(text, pages[0] if pages else None)
    if faults := [*register.faults(papers, judged)]:
        raise InputError("\n".join(faults))


def _write(text: str, page: Path | None) -> None:
    if page is None:
        print(text, end="")
        return
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{page}: expected a page that can be written ({error})") from None
    print(f"wrote {page}")


def _configs(paper: dict[str, Any], name: str, file: Path) -> list[str]:
    """Return the config files of a paper's run; of its first run if no name is given."""
    runs = paper["runs"]
    name = name or next(iter(runs))
    if name not in runs:
        known = ", ".join(runs)
        raise InputError(
            f"--configs: expected a run of {file} ({known}), found {name!r}"
            f"{did_you_mean(name, runs)}"
        )
    return [str(located(config)) for config in runs[name]]


def _checked(file: Path, paper: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the checked configs of a paper's runs, by name.

    Raises:
        InputError: claims on tables that their runs do not make, or configs of other runs.
    """
    configs, lines = {}, written([paper["file"]]).lines
    for run, names in paper["runs"].items():
        key = f"runs.{run}"
        try:
            configs[run] = _shared.read(*map(located, names))
        except InputError as error:
            said = (with_place(f"{key}: {line}", lines, file) for line in str(error).splitlines())
            raise InputError("\n".join(said)) from None
        if (found := configs[run]["run"]) != run:
            fault = f"{key}: expected configs of the run {run}, found {found}; rename it"
            raise InputError(with_place(fault, lines, file))
    faults = [with_place(fault, lines, file) for fault in table_faults(paper, configs)]
    if faults:
        raise InputError("\n".join(faults))
    return configs


def _assert_there(file: Path) -> None:
    """Reject a paper that does not exist, and name those that do."""
    folder = file.parent
    if folder.parent.name != "papers" or folder.exists():
        return
    known = sorted(path.parent.name for path in folder.parent.glob("*/claims.yaml"))
    raise InputError(
        f"{file}: expected a paper of {folder.parent} ({', '.join(known)}), found "
        f"{folder.name!r}{did_you_mean(folder.name, known)}"
    )
