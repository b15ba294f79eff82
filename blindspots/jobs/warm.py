"""Jobs that start warm: forks of a process that has imported what their scripts import.

Python's start and the import of PyTorch take longer than most jobs of a small run work.
"""

from __future__ import annotations

import ast
import atexit
import os
import runpy
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, get_context, set_start_method
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock

THREADS = ("OMP_NUM_THREADS", "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
           "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")  # fmt: skip
"""Variables that libraries read once, as they are loaded: a fork has those of its origin."""


class Warm:
    """The process that jobs are forks of; it ends with this one.

    Args:
        modules: that it imports, and then what is `late`; names of none are passed over.
        threads: that the libraries of its forks compute with.
    """

    def __init__(self, modules: Iterable[str], threads: int) -> None:
        self.threads = threads
        self._context, self._lock = get_context("forkserver"), Lock()
        self._context.set_forkserver_preload([*modules, __name__, "blindspots.jobs.late"])
        with _threads(threads):
            forkserver.ensure_running()  # and is not waited for: jobs do that

    def begin(self, script: str, temporary: str | None = None) -> BaseProcess:
        """Begin a job: its script runs as it would by itself, in a process of its own.

        Args:
            script: path of the file.
            temporary: folder of its temporary files; None: as anywhere on this machine.
        """
        job = self._context.Process(target=_run, args=(str(Path(script).absolute()), temporary))
        with self._lock, _threads(self.threads):  # if it has died, it begins anew
            job.start()
        return job

    def end(self, job: BaseProcess) -> int:
        """Wait until a job has ended; its exit status, less than 0 by what signal it was killed."""
        wait([job.sentinel])
        with self._lock:  # a status can be read once, and the start of a job reads those of others
            job.join()
        return job.exitcode or 0


def imported(script: str | Path) -> list[str]:
    """The modules that a script imports as it begins, and what may be modules: names of these."""
    found: list[str] = []
    for node in ast.parse(Path(script).read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Set the number of threads of processes that start within the block."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, str(number)))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _run(script: str, temporary: str | None) -> None:
    if temporary is not None:
        os.environ |= dict.fromkeys(("TMPDIR", "TMP", "TEMPDIR", "TEMP"), temporary)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all forks would draw the same
    set_start_method(None, force=True)  # of processes that the script starts: the system's default
    sys.argv[:] = [script]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # which a fork would leave out
