"""Frame of every job: a log, provenance, and a one-line message on bad input."""

import errno
import hashlib
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from tqdm import tqdm

import blindspots
from blindspots.interface import InputError
from blindspots.own_code import blame, own_line
from blindspots.provenance import commit, digest, settings_hash
from blindspots.runs.logs import WARNING

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a job without a traceback

EVERY = 5.0
"""Seconds between two lines of progress."""

FINDINGS = ("LedgerError", "AuditError")
"""Errors that report a run's findings; by name, so that jobs need not import their modules."""

NOT_OPENED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE,
              errno.ESTALE)  # fmt: skip

NO_MEMORY = "lower machine.chunk or machine.threads in the config, or ask for a larger mem_mb"
NO_SPACE = "make room and run again: finished jobs are kept"


@contextmanager
def job(snakemake):
    """Send messages to the job's log; report a failure in one line, there and at the run's end.

    The log's last line says how the job ended; a job without that line was killed.
    """
    imported, workflow = Path(blindspots.__file__).parents[1], Path(snakemake.scriptdir).parent
    if not imported.samefile(workflow):
        sys.exit(
            f"blindspots was imported from {imported}, expected {workflow}; uninstall the other"
        )
    main = vars(sys.modules["__main__"])
    if main.get("snakemake") is snakemake:
        main.pop("__file__", None)  # or processes spawned by a user's code would run the script
    started, begun = psutil.Process().create_time(), time.time()
    log = Path(snakemake.log[0]).absolute()  # a user's code may change the working directory
    try:
        with _opened(log, "w") as file, redirect_stderr(file):
            yield
    except (Exception, SystemExit) as error:  # a user's code may exit, too
        said = _to_be_known(error)
        if said is None:
            _append(log, "".join(traceback.format_exception(error)))
            said = blame(error, _own_methods(snakemake.config))
            message = f"{said}; the traceback is in {snakemake.log[0]}"
        else:
            message = f"{snakemake.log[0]}: {said}"
        _append(log, f"failed: {message}")  # repeated at the end of the run
        sys.exit(message)
    _append(log, f"done: started {started:.2f}, working from {begun:.2f} to {time.time():.2f}")


def _opened(log, mode):
    return log.open(mode, buffering=1, encoding="utf-8", errors="backslashreplace")


def _append(log, text):
    with suppress(OSError), _opened(log, "a") as file:  # the disk may be full
        print(text, file=file)


def _to_be_known(error):
    """Return the message of an expected error: bad input, a finding, memory, disk; or None."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError) or type(error).__name__ in FINDINGS:
        return text
    if isinstance(error, MemoryError) or ("alloc" in text and "memory" in text):
        return f"expected more memory than there is ({text[:200]}); {NO_MEMORY}"
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in text:
        return f"expected room on the disk, found none ({text[:200]}); {NO_SPACE}"
    if number in NOT_OPENED and own_line(error) is None:
        return f"expected files that can be opened, found one that cannot ({text[:200]})"
    return None


def _own_methods(config):
    """Return the user's own functions that a config names, as module:function."""
    if isinstance(config, list):
        return list(dict.fromkeys(name for item in config for name in _own_methods(item)))
    if not isinstance(config, dict):
        return []
    found = [config["method"]] if ":" in str(config.get("method")) else []
    return list(dict.fromkeys([*found, *_own_methods(list(config.values()))]))


@contextmanager
def progress(label, unit, total=None):
    """Show the progress of a long step: a bar on a terminal, otherwise a line now and then.

    Yields a function, to be called with the number of units done and further values to show.
    """
    terminal = bool(sys.__stderr__ and sys.__stderr__.isatty())
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


@contextmanager
def saying(where: str) -> Iterator[None]:
    """Prefix the message of bad input with its place in the config."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def warn(text):
    """Print a warning to the job's log and the terminal; it is repeated at the end of the run."""
    for stream in (sys.stderr, sys.__stderr__):
        print(f"{WARNING}{text}", file=stream)


def own_models(snakemake) -> set[str]:
    """Return the models' methods that the config names, which files of weights may call."""
    return {net["model"]["method"] for net in snakemake.config["nets"].values()}


def resume_key(snakemake, kind: str, files, **told) -> str:
    """Digest of all that a job must have in common with the killed one that it goes on from.

    Which of several GPUs it runs on is not part of it. The threads are those of the job, which
    `--cores` may lower.

    Args:
        snakemake: the job's `snakemake` object.
        kind: kind of device, such as "cuda".
        files: files that it reads, compared by content; large files of images are better `told`.
        told: JSON values that replace params of the job, or that it depends on besides.
    """
    return digest([dict(snakemake.params) | told, kind, snakemake.threads], files)


def provenance(snakemake) -> dict[str, Any]:
    """Return metadata on a result's origin: commit, hash of the settings, SHA-256 of weights."""
    made = {"commit": commit(), "settings": settings_hash(dict(snakemake.params))}
    files = [Path(file) for file in (*snakemake.input, *snakemake.output)]
    weights = [file for file in files if file.suffix == ".safetensors" and file.exists()]
    return made | ({"weights": {str(file): sha256(file) for file in weights}} if weights else {})


@cache
def sha256(file: Path) -> str:
    """Return the SHA-256 of a file, which a job reads once."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
