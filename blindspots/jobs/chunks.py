"""A job's rows, chunk by chunk: chunks that are finished survive a kill, with the same bytes."""

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
"""Metadata key of a chunk; and maximum bytes of rows that wait to be written."""


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
    """Make the rows of a table, `chunk` images at a time; what a killed job finished is read again.

    Finished chunks lie in a folder beside the output, until the job calls `forget`.

    Args:
        output: the job's file; the folder is named after it.
        key: key of what is computed, how, and on what; a chunk with another key is not used.
        data: all images of the job.
        chunk: images at a time.
        make: the rows of some images.
        every: seconds of work between two writings, at least: short jobs leave nothing behind. What
            takes more than `WAITING` bytes does not wait so long.
        progress: called with the number of images that are done.

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
    """Remove the finished chunks of a job whose result is written, or all there."""
    shutil.rmtree(_folder(output), ignore_errors=True)


def _folder(output: str | Path) -> Path:
    return Path(output).with_suffix(".chunks")


def _kept(file: Path, key: str) -> pa.Table | None:
    """A finished chunk, where there is one of this key."""
    if not file.exists():
        return None
    try:
        found = tables.read(file)
    except InputError as error:
        print(f"{error}; begins anew", file=sys.stderr)
        return None
    if tables.metadata(found)[KEY] != key:
        return None
    print(f"goes on after {file}", file=sys.stderr)
    return found
