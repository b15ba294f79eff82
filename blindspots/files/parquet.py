"""Parquet files, written row group by row group, with checksums of everything.

Pages have Parquet's own checksums; the metadata's checksum is at the end of the file.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blindspots.files.atomic import replacing
from blindspots.interface import InputError

METADATA, CHECK = b"blindspots", b"blindspots.sha256"
DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""Exceptions that pyarrow raises for a file with changed bits."""
MACHINE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EPERM}
"""Errors that say nothing about a file: too many open files, no memory, no access."""
GROUP, ROWS = 2**22, 2**16
"""Size of a row group: bytes of images; and rows, in a table without images."""


def pictured(schema: pa.Schema) -> list[str]:
    """Return the names of the image columns."""
    return [f.name for f in schema if isinstance(f.type, pa.FixedShapeTensorType)]


@contextmanager
def writing(
    path: str | Path, schema: pa.Schema, metadata: Mapping[str, Any], *, group: int = GROUP
) -> Iterator[Callable[[pa.Table], None]]:
    """Write a table part by part to a temporary file, and rename it to `path` at the end.

    Memory holds at most the rows of one row group. Row groups do not depend on how parts are cut.

    Args:
        path: file to write; its folder is created.
        schema: schema of every part.
        metadata: JSON values kept in the file (git commit, settings, units, …).
        group: bytes of images in a row group.

    Yields:
        A function that appends a table.
    """
    text = json.dumps(dict(metadata), sort_keys=True).encode()
    schema = schema.with_metadata({METADATA: text})
    pixels = sum(4 * np.prod(schema.field(name).type.shape) for name in pictured(schema))
    size, rows = int(max(group // pixels, 1)) if pixels else ROWS, 0
    waiting = [schema.empty_table()]
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression="zstd", write_page_checksum=True, write_statistics=False
        ) as file,
    ):

        def write(n: int) -> None:
            table = pa.concat_tables(waiting)
            file.write_table(table.slice(0, n).combine_chunks(), row_group_size=size)
            waiting[:] = [table.slice(n)]

        def append(table: pa.Table) -> None:
            nonlocal rows
            rows += len(table)
            waiting.append(table.replace_schema_metadata(schema.metadata))
            there = sum(len(part) for part in waiting)
            if there >= size:
                write(there // size * size)

        yield append
        if rows == 0 or any(len(part) for part in waiting):
            write(size)
        file.add_key_value_metadata({CHECK: _check(text, schema, rows)})


def _check(text: bytes, schema: pa.Schema, rows: int) -> bytes:
    """Return the checksum of metadata, columns, their types and the number of rows."""
    images = pictured(schema)
    columns = [
        (f.name, list(f.type.shape) if f.name in images else str(f.type), f.nullable)
        for f in schema
    ]
    return hashlib.sha256(text + repr((columns, rows)).encode()).hexdigest().encode()


@contextmanager
def damage(path: str | Path) -> Iterator[None]:
    """Turn errors of reading a file into an InputError with a remedy.

    Args:
        path: path of the file, for the message.

    Raises:
        InputError: no such file, or a damaged one.
        OSError: too many open files, or no access.
        MemoryError: no memory.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: expected a Parquet file, found none; run the workflow") from None
    except DAMAGE as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE:
            raise
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: expected a whole Parquet file, found a damaged one ({reason}); "
            "delete it and run the workflow again"
        ) from None


def reading(path: str | Path, metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """A Parquet file whose pages are checked; its metadata need not be read again if known."""
    return pq.ParquetFile(path, metadata=metadata, page_checksum_verification=True)


def opened(path: str | Path) -> pq.ParquetFile:
    """Open a file that `writing` wrote, and check its metadata; pages are checked when read.

    Raises:
        InputError: no such file, or a damaged one.
    """
    with damage(path):
        file = reading(path)
        schema, n = file.schema_arrow, file.metadata.num_rows
        text = (schema.metadata or {}).get(METADATA, b"")
        if (file.metadata.metadata or {}).get(CHECK) != _check(text, schema, n):
            raise pa.ArrowInvalid("its metadata have another checksum")
        return file


def as_said(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return what was read with the file's metadata, after a check of its columns' types."""
    if list(table.schema) != [schema.field(name) for name in table.column_names]:
        raise pa.ArrowInvalid("its columns have other types than its schema")
    return table.replace_schema_metadata(schema.metadata)
