"""Files that are written as a whole or not at all."""

from __future__ import annotations

import glob
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file as a whole or not at all.

    Args:
        path: path of the file; its folder is created.

    Yields:
        A temporary path in the same folder, unique to this process. The file written there is
        renamed to `path` when the block ends without an error.
    """
    path = Path(path).absolute()  # a user's code may change the working directory meanwhile
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _part(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """Return a temporary path next to a file; temporary files of killed writers are removed."""
    here = f".{path.name}.{platform.node()}."
    for left in path.parent.glob(f"{glob.escape(here)}*.part"):
        process = left.name[len(here) : -len(".part")]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            left.unlink(missing_ok=True)
    return path.with_name(f"{here}{os.getpid()}.part")
