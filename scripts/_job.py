"""What every script needs of a job: a log, provenance, and an end in one line on bad input."""

import errno
import hashlib
import signal
import sys
import time
import traceback
from contextlib import contextmanager, redirect_stderr, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from tqdm import tqdm

import blindspots
from blindspots._own_code import own_line
from blindspots.interface import InputError
from blindspots.provenance import commit, settings_hash

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a job without a traceback

EVERY = 5.0
"""Seconds between two lines of progress."""

NO_MEMORY = "lower machine.chunk or machine.threads in the config, or ask for a larger mem_mb"
NO_SPACE = "make room and run again: finished jobs are kept"


@contextmanager
def job(snakemake):
    """Send messages to the job's log; say in one line, there and at the end, what one must mend.

    The log's last line says how the job ended; where there is none, it was killed.
    """
    imported, workflow = Path(blindspots.__file__).parents[1], Path(snakemake.scriptdir).parent
    if not imported.samefile(workflow):
        sys.exit(
            f"blindspots was imported from {imported}, expected {workflow}; uninstall the other"
        )
    started, begun = psutil.Process().create_time(), time.time()
    log = Path(snakemake.log[0])
    try:
        with log.open("w", buffering=1, encoding="utf-8") as file, redirect_stderr(file):
            yield
    except Exception as error:
        said = _in_one_line(error)
        if said is None:
            _append(log, traceback.format_exc())
            _append(log, "failed: a fault of the program; the lines above say where")
            raise
        if own_line(error) and not isinstance(error, InputError):
            _append(log, traceback.format_exc())
        message = f"{log}: {said}"
        _append(log, f"failed: {message}")  # repeated at the end of the run
        sys.exit(message)
    _append(log, f"done: started {started:.2f}, working from {begun:.2f} to {time.time():.2f}")


def _append(log, text):
    with suppress(OSError), log.open("a", encoding="utf-8") as file:  # the disk may be full
        print(text, file=file)


def _in_one_line(error):
    """What a person can do something about: bad input, too little memory, a full disk; or None."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    if isinstance(error, MemoryError) or ("alloc" in text and "memory" in text):
        return f"expected more memory than there is ({text[:200]}); {NO_MEMORY}"
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if full or "No space left on device" in text:
        return f"expected room on the disk, found none ({text[:200]}); {NO_SPACE}"
    if line := own_line(error):
        return (
            f"{line}: expected your code to run, found {type(error).__name__}: {text[:200]}; "
            "correct it, the log has the traceback"
        )
    return None


@contextmanager
def progress(label, unit, total=None):
    """How far a long step is: a bar on a terminal; else, and in the log, a line now and then.

    Yields what is called with the number of units that are done, and other values to be shown.
    """
    terminal = sys.__stderr__.isatty()
    said = time.monotonic()
    bar = tqdm(
        desc=label, unit=f" {unit}", total=total, file=sys.__stderr__, disable=not terminal,
        leave=False,
    )  # fmt: skip

    def show(done, **values):
        nonlocal said
        shown = {name: f"{value:.4g}" for name, value in values.items()}
        bar.update(done - bar.n)
        bar.set_postfix(shown, refresh=False)
        if time.monotonic() - said < EVERY:
            return
        said = time.monotonic()
        of = "" if total is None else f" of {total}"
        line = ", ".join([f"{label}: {done}{of} {unit}", *(f"{k} {v}" for k, v in shown.items())])
        print(line, file=sys.stderr)
        if not terminal:
            print(line, file=sys.__stderr__, flush=True)

    with bar:
        yield show


def own_models(snakemake) -> set[str]:
    """The methods of models that the config names; a file may name no other of a user's own."""
    return {net["model"]["method"] for net in snakemake.config["nets"].values()}


def provenance(snakemake) -> dict[str, Any]:
    """What a result's file says of its origin: commit, hash of the settings, SHA-256 of weights."""
    made = {"commit": commit(), "settings": settings_hash(dict(snakemake.params))}
    files = [Path(file) for file in (*snakemake.input, *snakemake.output)]
    weights = [file for file in files if file.suffix == ".safetensors" and file.exists()]
    return made | ({"weights": {str(file): sha256(file) for file in weights}} if weights else {})


@cache
def sha256(file):
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
