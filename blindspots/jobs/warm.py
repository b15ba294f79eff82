"""Start jobs as forks of a process that has already imported their scripts' modules.

Starting Python and importing PyTorch takes longer than most jobs of a small run.
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
"""Variables that libraries read once, when they are loaded, so that forks share their values."""


class Warm:
    """The process that jobs are forked from; it ends with this one.

    Args:
        modules: names of the modules that it imports, followed by `late`; names that are not
            modules are skipped.
        threads: number of threads of the libraries in its forks.
    """

    def __init__(self, modules: Iterable[str], threads: int) -> None:
        self.threads = threads
        self._context, self._lock = get_context("forkserver"), Lock()
        self._context.set_forkserver_preload([*modules, __name__, "blindspots.jobs.late"])
        with _threads(threads):
            forkserver.ensure_running()  # without waiting for the imports: the first job waits

    def begin(self, script: str, temporary: str | None = None) -> BaseProcess:
        """Start a job: its script runs in a process of its own, as if started alone.

        Args:
            script: path of the script.
            temporary: folder for its temporary files; None: the system's default.
        """
        job = self._context.Process(target=_run, args=(str(Path(script).absolute()), temporary))
        with self._lock, _threads(self.threads):  # restarts the server if it has died
            job.start()
        return job

    def end(self, job: BaseProcess) -> int:
        """Wait until a job has ended, and return its exit status; −k if signal k killed it."""
        wait([job.sentinel])
        with self._lock:  # a status can be read once, and starting a job reads those of others
            job.join()
        return job.exitcode or 0


def imported(script: str | Path) -> list[str]:
    """Return the modules that a script imports, and the names from them, which may be modules."""
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
        sys.modules["numpy"].random.seed()  # otherwise all forks would draw the same numbers
    set_start_method(None, force=True)  # processes that the script starts use the system's default
    sys.argv[:] = [script]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # a fork would not run them
