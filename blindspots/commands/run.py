"""Run a config: train, attack, bound, and write the report.

Snakemake does the work. It finds out which jobs are to be done, runs them side by side, and keeps
every job that has finished: after Ctrl-C, an error or a change of the config, the same command does
what is left. Results go to results/ in the folder that you are in.

Examples:
  blindspots run my.yaml --dry-run        count the jobs that would run
  blindspots run my.yaml
  blindspots run base.yaml changes.yaml   the second is laid over the first, key by key
  blindspots run my.yaml --gpu 1          one job at a time on the one GPU
  blindspots run my.yaml -- --keep-going  what follows -- is handed to Snakemake as it is

Next: open the report that its last line names; blindspots report my.yaml --open
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from blindspots.commands import _shared
from blindspots.interface import InputError

LOCKS = Path(".snakemake/locks")


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("configs", type=Path, nargs="+", metavar="config.yaml", help="what to run")
    parser.add_argument("--dry-run", action="store_true", help="count the jobs, run none")
    parser.add_argument("--cores", default="all", metavar="N", help="cores to use; default: all")
    parser.add_argument(
        "--gpu", metavar="N", help="jobs that may use the GPU at a time; default: any"
    )
    parser.set_defaults(takes_more=True)


def run(arguments: argparse.Namespace) -> None:
    """Run Snakemake, say where the report is, and end as it ended."""
    cores, gpu = arguments.cores, arguments.gpu
    if cores != "all" and not (cores.isdecimal() and int(cores) > 0):
        raise InputError(f"--cores: expected 'all' or a number from 1, found {cores!r}")
    if gpu is not None and not (gpu.isdecimal() and int(gpu) > 0):
        raise InputError(f"--gpu: expected a number from 1, found {gpu!r}; leave it out for any")
    page = _shared.report_of(_shared.read(*arguments.configs))
    options = ["--quiet", "host", "rules", *(["--dry-run"] if arguments.dry_run else [])]
    if gpu is not None:
        options += ["--resources", f"gpu={gpu}"]
    options += ["--cores", cores, *arguments.more]
    status = follow(_shared.snakemake(arguments.configs, *options))
    this = _shared.again("run", *arguments.configs)
    if status == 128 + signal.SIGINT:
        print(f"Interrupted. Finished jobs are kept; to go on: {this}", file=sys.stderr)
    elif status and LOCKS.is_dir() and any(LOCKS.iterdir()):
        print(
            f"{Path.cwd()} is locked: another run is at work in it, or was killed. If none is: "
            f"{this} -- --unlock, and then again without",
            file=sys.stderr,
        )
    elif arguments.dry_run and not status:
        print(f"Nothing was run. To run it: {this}")
    elif page.exists() and not status:
        print(f"The report: {page.absolute()}")
    sys.exit(status)


def follow(command: Sequence[str]) -> int:
    """Run a command to its end, also when interrupted.

    Args:
        command: program and arguments.

    Returns:
        Its exit status; 130 after Ctrl-C, 143 after a request to terminate.
    """
    received: list[int] = []

    def note(number: int, _: object) -> None:
        received.append(number)
        if number == signal.SIGTERM:  # Ctrl-C reaches Snakemake without us
            process.terminate()

    process = subprocess.Popen(command)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    status = process.wait()
    return 128 + received[0] if received and status else status
