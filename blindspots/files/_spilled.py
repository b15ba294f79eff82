"""Rows of tables on the disk, in parts that can each be read at once."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from blindspots.files.rows import Rows
from blindspots.files.tables import taken

SMALL = pa.ipc.IpcWriteOptions(compression="zstd")


class Spilled:
    """Some columns of tables in a temporary file without a name, part by part.

    The tables are read once, and each part once for each time that it is wanted, however its rows
    are scattered over them.
    """

    def __init__(
        self, tables: Sequence[tuple[str | Path, list[str]]], parts: np.ndarray, most: int
    ) -> None:
        """Write the rows.

        Args:
            tables: path of each, and its columns that are wanted.
            parts: (n,) number of the part of each row of all tables; negative: it has none.
            most: rows of tables that are in memory.
        """
        self._file, self._places = tempfile.TemporaryFile(), dict[int, list[int]]()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        first = 0
        for path, names in tables:
            for rows in Rows(path, names).chunks(most):
                self._append(rows, parts[first : first + len(rows)])
                first += len(rows)

    def _append(self, rows: pa.Table, parts: np.ndarray) -> None:
        order = np.argsort(parts, kind="stable")
        order = order[np.searchsorted(parts[order], 0) :]
        numbers, starts = np.unique(parts[order], return_index=True)
        ends = [*starts, len(order)][1:]  # none, if no row has a part
        rows = taken(rows, order).replace_schema_metadata()
        for number, start, end in zip(numbers.tolist(), starts, ends, strict=True):
            self._places.setdefault(number, []).append(self._file.tell())
            with pa.ipc.new_stream(self._file, rows.schema, options=SMALL) as stream:
                stream.write_table(rows.slice(start, end - start))

    def read(self, part: int) -> Iterator[pa.Table]:
        """Iterate over the rows of a part, in the tables' order, as tables of one file each."""
        for place in self._places.get(part, []):
            self._file.seek(place)
            with pa.ipc.open_stream(self._file) as stream:
                yield stream.read_all()
