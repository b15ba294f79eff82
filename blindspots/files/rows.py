"""Read rows of a table by place; only some row groups of the file are in memory at a time.

A file is open only while it is read: a job may read more tables than it may have files open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from blindspots.files.parquet import as_said, damage, opened, reading
from blindspots.files.tables import images, taken
from blindspots.interface import InputError

KEPT = 8
"""Row groups that are cached, of all tables together; a table read in order is read once."""


class Rows:
    """The rows of a table.

    Attributes:
        path: path of the table.
        schema: schema of the whole table, with its metadata.
    """

    def __init__(self, path: str | Path, columns: Sequence[str] | None = None) -> None:
        """Look at a table.

        Args:
            path: path of the table, which `parquet.writing` wrote.
            columns: columns to read; all by default.

        Raises:
            InputError: no such file, or not a whole one; names it and the remedy.
        """
        self.path = path
        with opened(path) as file:
            self.schema: pa.Schema = file.schema_arrow
            self._about = about = file.metadata
        self._columns = self.schema.names if columns is None else list(columns)
        self._sizes = [about.row_group(i).num_rows for i in range(about.num_row_groups)]
        self._ends = np.cumsum(self._sizes, dtype=np.int64)

    def __len__(self) -> int:
        return self._about.num_rows

    @property
    def n_groups(self) -> int:
        """Number of row groups."""
        return len(self._sizes)

    def by_group(self, places: np.ndarray) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Iterate over the rows at places (n,), a row group at a time.

        Yields:
            Positions (k,) in `places`, and the table of the rows there.

        Raises:
            InputError: a place that is not in the table, or a damaged file.
        """
        if (outside := places[(places < 0) | (places >= len(self))]).size:
            raise InputError(
                f"{self.path}: expected a row {outside[0]}, to which another table refers, found "
                f"{len(self)} rows; delete both and run the workflow again"
            )
        groups = np.searchsorted(self._ends, places, side="right")
        for number in np.unique(groups):
            at = np.flatnonzero(groups == number)
            inside = places[at] - (self._ends[number] - self._sizes[number])
            yield at, taken(_kept(self, int(number)), inside)

    def take(self, places: np.ndarray) -> pa.Table:
        """Return the rows at places (n,), in the order of the places.

        Raises:
            InputError: the errors of `by_group`.
        """
        found, at = [self._nothing()], [np.empty(0, np.int64)]
        for some, table in self.by_group(places):
            at.append(some)
            found.append(table)
        return taken(pa.concat_tables(found), np.argsort(np.concatenate(at)))

    def images(self, places: np.ndarray) -> np.ndarray:
        """Return the images at places (n,), in their order: (n, *image) float32.

        Raises:
            InputError: the errors of `by_group`.
        """
        found = np.empty((len(places), *self.schema.field("image").type.shape), np.float32)
        for at, table in self.by_group(places):
            found[at] = images(table)
        return found

    def chunks(self, size: int) -> Iterator[pa.Table]:
        """Iterate over the table, `size` rows at a time; the last chunk may have fewer.

        Raises:
            InputError: a damaged file.
        """
        waiting = self._nothing()
        for group in self.groups():
            waiting = pa.concat_tables([waiting, group])
            while len(waiting) >= size:
                yield waiting.slice(0, size)
                waiting = waiting.slice(size)
        if len(waiting):
            yield waiting

    def groups(self) -> Iterator[pa.Table]:
        """Iterate over the table, a row group at a time.

        Raises:
            InputError: a damaged file.
        """
        return (self.group(number) for number in range(len(self._sizes)))

    def group(self, number: int) -> pa.Table:
        """Read a row group by its number.

        Raises:
            InputError: a damaged file.
        """
        with damage(self.path), reading(self.path, self._about) as file:
            found = file.read_row_group(number, self._columns, use_threads=False)
            return as_said(found, self.schema)

    def _nothing(self) -> pa.Table:
        return self.schema.empty_table().select(self._columns)


@lru_cache(KEPT)
def _kept(rows: Rows, number: int) -> pa.Table:
    return rows.group(number)
