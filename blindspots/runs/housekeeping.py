"""Housekeeping: files of runs that no current config produces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from blindspots.config.loader import without_empty
from blindspots.interface import InputError

RESULTS, RESOURCES, LOGS = Path("results"), Path("resources"), Path("logs")


class Made(NamedTuple):
    """Outputs of a config's run.

    Attributes:
        files: files that the run makes.
        logs: logs of the jobs that made them; None if Snakemake has no record of some jobs, which
            may have failed and left a log that says why.
    """

    files: set[Path]
    logs: set[Path] | None


def unneeded(
    snakefile: Path, configs: Sequence[Sequence[Path]], runs: Collection[str]
) -> list[Path]:
    """Return the files of these runs, below the working folder, that no config makes.

    Args:
        snakefile: the workflow.
        configs: configs of the runs; each a file and the files merged over it.
        runs: names of the configs' runs. Files of other runs are left out, and so are prepared
            images if there are other runs, which may need them.

    Raises:
        InputError: a config that the workflow rejects.
    """
    made = [outputs(snakefile, config) for config in configs]
    files = {file for each in made for file in each.files}
    folders = [RESULTS / run for run in runs] + ([] if other_runs(runs) else [RESOURCES])
    found = [p for folder in folders for p in _files(folder) if not _is_needed(p, files)]
    if all(each.logs is not None for each in made):
        logs = {log for each in made for log in each.logs or ()}
        found += [p for run in runs for p in _files(LOGS / run) if _is_of_another_job(p, logs)]
    return sorted(found)


def other_runs(runs: Collection[str]) -> list[str]:
    """Return the other runs that have results below the working folder."""
    there = RESULTS.iterdir() if RESULTS.is_dir() else ()
    return sorted(path.name for path in there if path.is_dir() and path.name not in runs)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and the folders that this leaves empty."""
    for path in paths:
        path.unlink()
        for folder in path.parents[:-1]:
            if folder.is_symlink() or any(folder.iterdir()):
                break
            folder.rmdir()


def outputs(snakefile: Path, config: Sequence[Path]) -> Made:
    """Return the outputs of a config's run.

    Args:
        snakefile: the workflow.
        config: file of the config and the files merged over it.

    Raises:
        InputError: a config that the workflow rejects.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
    command += ["--workflow-profile", str(snakefile.parent / "profiles/default")]
    command += ["--cores", "1", "--nolock", "--summary", "--configfile"]
    command += map(str, without_empty(config))
    ended = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    head, *lines = ended.stdout.splitlines() or [""]
    if ended.returncode != 0 or not head.startswith("output_file"):
        reason = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
        named = ", ".join(map(str, config))
        raise InputError(f"{named}: expected a config that the workflow accepts, found: {reason}")
    rows = [dict(zip(head.split("\t"), line.split("\t"), strict=False)) for line in lines]
    logs = {log for row in rows for log in row["log-file(s)"].split(",")}
    return Made(
        {Path(row["output_file"]) for row in rows},
        None if "-" in logs else {Path(log) for log in logs},
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _is_needed(path: Path, made: set[Path]) -> bool:
    # A stopped training resumes from its checkpoint.
    if path.name == "checkpoint.pt":
        return path.with_name("weights.safetensors") in made
    # A stopped attack or certificate resumes after its finished chunks.
    if path.parent.suffix == ".chunks":
        name, there = path.parent.name, path.parents[1]
        return any(file.parent == there and name.startswith(f"{file.stem}.") for file in made)
    return path in made


def _is_of_another_job(path: Path, logs: set[Path]) -> bool:
    """Return whether a log, or the benchmark record beside it, belongs to a job that is gone."""
    return path.suffix in (".log", ".jsonl") and path.with_suffix(".log") not in logs
