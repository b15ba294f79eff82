"""Write a run's tables into a Markdown page.

Example:
  blindspots results my.yaml RESULTS.md
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from blindspots.commands import _shared
from blindspots.interface import InputError


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "configs", type=Path, nargs="+", help="config of the run, and files merged over it"
    )
    parser.add_argument("page", type=Path, help="page to write, such as docs/RESULTS.md")
    parser.add_argument(
        "--figures", nargs="+", default=[], metavar="NAME", help="figures to copy beside the page"
    )
    parser.add_argument(
        "--beside",
        metavar="RUN",
        help="another run whose figures stand beside, in tables of one name",
    )
    parser.add_argument("--note", metavar="TEXT", help="Markdown to begin the page with")


def run(arguments: argparse.Namespace) -> None:
    """Write the page."""
    from blindspots.runs.markdown import Beside, page

    if arguments.page.suffix != ".md":
        raise InputError(f"expected a page to write, such as RESULTS.md, found {arguments.page}")
    config = _shared.read(*arguments.configs)
    folder = Path("results") / config["run"]
    for name in arguments.figures:
        if name not in config["figures"]:
            there = ", ".join(config["figures"]) or "none"
            raise InputError(f"--figures: expected figures of the config ({there}), found {name!r}")
    command = ["blindspots", "results", *map(str, arguments.configs), str(arguments.page)]
    command += ["--figures", *arguments.figures] if arguments.figures else []
    command += ["--beside", arguments.beside] if arguments.beside else []
    command += ["--note", arguments.note] if arguments.note else []
    files = {name: f"figures/{config['run']}-{name}.svg" for name in arguments.figures}
    drawn = {name: _drawn(folder / f"figures/{name}.svg") for name in files}
    beside = None
    if arguments.beside:
        there = Path("results") / arguments.beside / "tables"
        found = {name: there / f"{name}.parquet" for name in config["tables"]}
        beside = Beside(arguments.beside, {n: path for n, path in found.items() if path.exists()})
        if not beside.summaries:
            raise InputError(
                f"--beside: expected a run with tables of this one in {there}, found none; run it"
            )
    text = page(
        config,
        {name: folder / f"tables/{name}.parquet" for name in config["tables"]},
        {
            f"{net['label']}, seed {seed}": path
            for name, net in config["nets"].items()
            for seed in config["seeds"]
            if (path := folder / f"nets/{name}.s{seed}/history.parquet").exists()
        },  # a net that no job needs is not trained
        shlex.join(command),
        figures={config["figures"][name]["title"]: file for name, file in files.items()},
        note=arguments.note,
        records=_records(Path("logs") / config["run"]),
        size=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        beside=beside,
    )
    try:
        arguments.page.write_text(text, encoding="utf-8")
        for name, file in files.items():
            copy = arguments.page.parent / file
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(drawn[name])
    except OSError as error:
        raise InputError(
            f"{arguments.page}: expected a page that can be written ({error})"
        ) from None
    print(f"wrote {arguments.page}")


def _records(folder: Path) -> list[dict[str, Any]]:
    """Return Snakemake's records of a run's jobs, in the order in which they ended."""
    files = sorted(folder.rglob("*.jsonl"), key=lambda file: file.stat().st_mtime)
    return [_record(file) for file in files]


def _record(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputError(
            f"{file}: expected Snakemake's measurements of a job, found another text ({error}); "
            "delete it"
        ) from None


def _drawn(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: expected a figure, found none; run the workflow") from None
