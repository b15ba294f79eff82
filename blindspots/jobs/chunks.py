"""Compute a job's rows chunk by chunk; finished chunks survive a kill and are not recomputed."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import InputError

KEY, WAITING = "chunk of", 2**27
"""Metadata key of a chunk; and the most bytes of rows that wait to be written."""


def resumable(
    output: str | Path,
    key: str,
    data: Images,
    chunk: int,
    make: Callable[[Images], pa.Table],
    *,
    every: float = 0,
    progress: Callable[[int], None] | None = None,
) -> Iterator[pa.Table]:
    """Make the rows of a table, `chunk` images at a time; chunks of a killed job are read instead.

    Finished chunks lie in a folder next to the output, until the job calls `forget`.

    Args:
        output: the job's file; the folder is named after it.
        key: digest of settings, code and inputs; a chunk with another key is not used.
        data: all images of the job.
        chunk: images at a time.
        make: computes the rows of some images.
        every: least number of seconds between two writes, so that short jobs write no chunks; rows
            of more than `WAITING` bytes are written sooner.
        progress: called with the number of images done.

    Yields:
        The rows of each chunk, in order.
    """
    folder, written = _folder(output), time.monotonic()
    waiting: dict[Path, pa.Table] = {}
    for first in range(0, len(data), chunk):
        done = min(first + chunk, len(data))
        file = folder / f"{first}-{done}.parquet"
        found = _kept(file, key)
        if found is None:
            found = waiting[file] = make(data.at(slice(first, done)).held())
        yield found
        late = time.monotonic() - written >= every
        if late or sum(table.nbytes for table in waiting.values()) > WAITING:
            for path, table in waiting.items():
                tables.write(path, table, {KEY: key})
            waiting, written = {}, time.monotonic()
        if progress is not None:
            progress(done)


def forget(output: str | Path) -> None:
    """Remove the finished chunks of a job whose result is written."""
    shutil.rmtree(_folder(output), ignore_errors=True)


def _folder(output: str | Path) -> Path:
    return Path(output).with_suffix(".chunks")


def _kept(file: Path, key: str) -> pa.Table | None:
    """Return a finished chunk with this key, if there is one."""
    if not file.exists():
        return None
    try:
        found = tables.read(file)
    except InputError as error:
        print(f"{error}; computing the chunk again", file=sys.stderr)
        return None
    if tables.metadata(found)[KEY] != key:
        return None
    print(f"resumed after {file}", file=sys.stderr)
    return found
