"""Measure the blind spots of neural networks.

A YAML config lists the networks, their training data, the attacks, and the tables and figures to
report.

Example, on handwritten digits that need no download:
  blindspots new my.yaml            write a commented config
  blindspots methods attacks lbfgs  list the settings of a method
  blindspots run my.yaml            run it; the last line names the report
  blindspots report my.yaml --open  open the report again
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any

from blindspots.commands import (
    calibrate,
    claims,
    compare,
    fill,
    methods,
    new,
    prune,
    report,
    results,
    run,
)
from blindspots.interface import InputError
from blindspots.own_code import blame, own_line

COMMANDS = (new, methods, run, report, results, fill, claims, compare, prune, calibrate)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and run a command; what goes wrong ends it with one line."""
    sys.path.insert(0, str(Path.cwd()))  # methods of the user's own are found from here
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may lack letters that we print
            stream.reconfigure(errors="backslashreplace")
    arguments = parse(sys.argv[1:] if argv is None else argv)
    try:
        arguments.run(arguments)
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
    except InputError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        if isinstance(error, OSError) and own_line(error) is None:
            with suppress(OSError):  # do not retry a failed write at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):  # the reader, such as head, has closed the pipe
                sys.exit(128 + signal.SIGPIPE)
            sys.exit(f"expected files that can be opened, found one that cannot ({error})")
        sys.exit(blame(error))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its arguments; `more` is what follows the first ``--``, for Snakemake."""
    own = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
    parser = argparse.ArgumentParser("blindspots", **_help(sys.modules[__name__]))
    commands = parser.add_subparsers(
        required=True, metavar="command", title="commands", help="blindspots COMMAND --help: more"
    )
    for module in COMMANDS:
        told = _help(module)
        name, summary = module.__name__.rpartition(".")[2], told["description"].partition(".\n")[0]
        made = commands.add_parser(name, help=summary[0].lower() + summary[1:], **told)
        module.add(made)
        made.set_defaults(run=module.run)
    arguments = parser.parse_args(own)
    arguments.more = list(argv[len(own) + 1 :])
    if arguments.more and "takes_more" not in arguments:
        parser.error(f"expected nothing after --, found {' '.join(arguments.more)}")
    return arguments


def _help(module: ModuleType) -> dict[str, Any]:
    """Split a module's docstring: the examples go below the options, the rest above."""
    above, found, below = (module.__doc__ or "").partition("\nExample")
    form = argparse.RawDescriptionHelpFormatter
    epilog = (found + below).strip()
    return {"description": above.strip() + "\n", "epilog": epilog, "formatter_class": form}


if __name__ == "__main__":
    main()
