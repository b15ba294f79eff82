"""Run a config: train, attack, bound, and write the report.

Snakemake works out which jobs are needed, runs them in parallel, and never repeats a finished one:
after Ctrl-C, an error or a change of the config, the same command does what is left. Results go to
results/ in the current folder.

Examples:
  blindspots run my.yaml --dry-run        count the jobs that would run
  blindspots run my.yaml --dry-run --expanded   print the config with all defaults
  blindspots run my.yaml
  blindspots run base.yaml changes.yaml   the second is merged over the first, key by key
  blindspots run my.yaml --gpu 1          one job at a time on the one GPU
  blindspots run my.yaml -- --keep-going  everything after -- is passed to Snakemake

Next: open the report that the last line names, or blindspots report my.yaml --open
"""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from pathlib import Path

from blindspots.commands import _shared
from blindspots.commands._follow import follow
from blindspots.interface import InputError


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "configs",
        type=Path,
        nargs="+",
        metavar="config.yaml",
        help="config to run, and files merged over it",
    )
    parser.add_argument("--dry-run", action="store_true", help="list the jobs without running them")
    parser.add_argument(
        "--expanded", action="store_true", help="with --dry-run: print only the config's full form"
    )
    parser.add_argument("--cores", default="all", metavar="N", help="number of cores; default: all")
    parser.add_argument(
        "--gpu", metavar="N", help="number of GPU jobs at a time; default: no limit"
    )
    parser.set_defaults(takes_more=True)


def run(arguments: argparse.Namespace) -> None:
    """Run Snakemake, say where the report is, and end as it ended."""
    cores, gpu = arguments.cores, arguments.gpu
    if cores != "all" and not (cores.isdecimal() and int(cores) > 0):
        raise InputError(f"--cores: expected 'all' or a number from 1, found {cores!r}")
    if gpu is not None and not (gpu.isdecimal() and int(gpu) > 0):
        raise InputError(f"--gpu: expected a number from 1, found {gpu!r}; leave it out for any")
    config = _shared.read(*arguments.configs)
    if arguments.expanded:
        if not arguments.dry_run:
            raise InputError("--expanded: expected --dry-run as well, found none; add it")
        print(_shared.expanded(*arguments.configs), end="")
        return
    if said := _shared.note(config, *arguments.configs):
        print(said, file=sys.stderr, flush=True)
    options = ["--quiet", "host", "rules", *(["--dry-run"] if arguments.dry_run else [])]
    if gpu is not None:
        options += ["--resources", f"gpu={gpu}"]
    options += ["--cores", cores, *arguments.more]
    status = follow(_shared.snakemake(arguments.configs, *options))
    this = _shared.again("run", *arguments.configs)
    if status in (128 + signal.SIGINT, 128 + signal.SIGTERM, 128 + signal.SIGHUP):
        with suppress(OSError):  # the terminal may be gone
            print(f"Interrupted. Finished jobs are kept; to go on: {this}", file=sys.stderr)
    elif status:
        _shared.assert_unlocked(this)
    elif arguments.dry_run:
        print(f"Nothing was run. To run it: {this}")
    elif (page := _shared.report_of(config)).exists():
        print(f"The report: {page.absolute()}")
    sys.exit(status)
