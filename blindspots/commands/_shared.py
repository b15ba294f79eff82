"""Helpers of the commands: the checked config, Snakemake's command line, this program's name."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from blindspots.config.check import check
from blindspots.config.checkout import workflow
from blindspots.config.lines import Written, written
from blindspots.config.loader import load, load_config, without_empty
from blindspots.config.reading import full_form, laid_over
from blindspots.config.reporting import is_without
from blindspots.config.schema import schema
from blindspots.interface import InputError

LOCKS = Path(".snakemake/locks")


def read(*paths: Path) -> dict[str, Any]:
    """Return the checked config of a file and of the files merged over it."""
    return check(*_given(*paths))


def note(config: dict[str, Any], *paths: Path) -> str | None:
    """Return a line about a config whose tables or figures replace the standard ones, or None."""
    raw, _, where, files, _ = _given(*paths)
    if not is_without(raw, config):
        return None
    place = files.lines.get("tables") or files.lines.get("figures") or where
    return (
        f"{place}: note: the report has the tables and figures that the config names, and no "
        "others; to keep the standard ones, add report: standard"
    )


def expanded(*paths: Path) -> str:
    """Return the full form of a config, as YAML."""
    return yaml.dump(
        full_form(*_given(*paths)).config,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=200,
    )


class _Dumper(yaml.SafeDumper):
    """A dumper that writes repeated values in full, without YAML's aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _given(*paths: Path) -> tuple[Any, Any, str, Written, str]:
    """Return the arguments of `check`: config, schema, files, their lines, and the run's name."""
    first, *over = paths
    raw = load(first)
    for path in over:
        raw = laid_over(raw, load_config(path))
    return raw, schema("config"), ", ".join(map(str, paths)), written(paths), paths[0].stem


def snakemake(configs: Sequence[Path], *options: str) -> list[str]:
    """Return the command line with which Snakemake runs these configs in the working directory.

    It names the checkout's profile, since the working directory may have another workflow's.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow("Snakefile"))]
    if not any(option.startswith("--workflow-profile") for option in options):
        command += ["--workflow-profile", str(workflow("profiles/default"))]
    return [*command, "--configfile", *map(str, without_empty(configs)), *options]


def again(command: str, *arguments: object) -> str:
    """Return a command line for the user to run next, with the name of this program as called."""
    name = sys.argv[0]
    if Path(name).name == "__main__.py":
        called = [_short(sys.executable), "-m", "blindspots"]
    else:
        called = [_short(name)]
    return shlex.join([*called, command, *map(str, arguments)])


def _short(program: str) -> str:
    """Shorten a program's path to its name, if a shell finds it, or to a path from here."""
    path = Path(program)
    if shutil.which(path.name) == program:
        return path.name
    if not path.is_relative_to(Path.cwd()):
        return program
    short = path.relative_to(Path.cwd())
    return str(short) if len(short.parts) > 1 else f"./{short}"


def assert_unlocked(this: str) -> None:
    """Check that the working directory is not locked, which makes Snakemake fail.

    Args:
        this: command line of the user.

    Raises:
        InputError: the directory is locked; the message says how to unlock it.
    """
    if LOCKS.is_dir() and any(LOCKS.iterdir()):
        raise InputError(
            f"{Path.cwd()} is locked: another run is at work in it, or was killed. If none is: "
            f"{this} -- --unlock, and then again without"
        )


def report_of(config: dict[str, Any]) -> Path:
    """Return the path of a run's report, from the working directory."""
    return Path("results", config["run"], "report.html")
