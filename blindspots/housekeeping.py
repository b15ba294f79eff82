"""What lies about from settings that no config has any more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from blindspots.interface import InputError

FOLDERS = (Path("results"), Path("resources"))


def unneeded(snakefile: Path, configs: Sequence[Sequence[Path]]) -> list[Path]:
    """The files of results/ and resources/ below the working folder that no config's run makes.

    Args:
        snakefile: the workflow.
        configs: all that are in use; each a file and what others lay over it.

    Raises:
        InputError: a config that the workflow refuses.
    """
    made = {path for config in configs for path in outputs(snakefile, config)}
    there = (path for folder in FOLDERS for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in there if path not in made)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and the folders that are then empty."""
    for path in paths:
        path.unlink()
        for folder in path.parents[:-1]:
            if any(folder.iterdir()):
                break
            folder.rmdir()


def outputs(snakefile: Path, config: Sequence[Path]) -> list[Path]:
    """The files that a config's run makes.

    Args:
        snakefile: the workflow.
        config: a file and what others lay over it.

    Raises:
        InputError: a config that the workflow refuses.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    command += ["--cores", "1", "--nolock", "--summary", "--configfile", *map(str, config)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    if ended.returncode != 0 or not lines or not lines[0].startswith("output_file"):
        reason = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        files = ", ".join(map(str, config))
        raise InputError(f"{files}: expected a config that the workflow accepts, found: {reason}")
    return [Path(line.partition("\t")[0]) for line in lines[1:]]
