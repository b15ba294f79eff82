"""Read tables that are too long for one frame by parts, each with all rows of some keys.

A statistic of rows that share a key is therefore the same over a part as over the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.files import tables
from blindspots.files._spilled import Spilled
from blindspots.files.rows import Rows

Finder: TypeAlias = Callable[[Iterable[object]], pd.DataFrame]
"""Function from values of a column to their rows."""

MOST = 2**19
"""Most rows of a part, unless a single key has more."""


class Parts:
    """The rows of several tables, one after another; none of the tables is kept in memory."""

    def __init__(
        self, paths: Sequence[str | Path], schema: pa.Schema | None = None, most: int = MOST
    ) -> None:
        """Read the tables' schemas and numbers of rows.

        Args:
            paths: paths of the tables.
            schema: schema if there are no tables.
            most: most rows of a part, unless a single key has more.
        """
        self._paths, self._most = list(paths), most
        seen = [(rows.schema, len(rows), rows.n_groups) for rows in map(Rows, paths)]
        self._schemas = [own for own, _, _ in seen]
        self._nothing = _nothing([*self._schemas, *([] if schema is None or seen else [schema])])
        self._sizes = [size for _, size, _ in seen]
        self._groups = sum(n for _, _, n in seen)
        self._kept: np.ndarray | None = None
        self._numbered: dict[str, tuple[np.ndarray, list]] = {}
        self._sorted: dict[tuple, _Sorted] = {}

    @property
    def columns(self) -> list[str]:
        """Names of the columns, except image columns."""
        return self._nothing.column_names

    def __len__(self) -> int:
        return sum(self._sizes) if self._kept is None else int(self._kept.sum())

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all rows as one frame, with all columns or some."""
        return self._at(self._places(), columns)

    def by(self, key: str, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Iterate over parts, each with all rows of some values of a column.

        Args:
            key: name of the column. Parts are in the order in which its values appear.
            columns: columns to read; all by default.

        Yields:
            Frames with rows in the tables' order; one empty frame if there are no rows.
        """
        if len(self) <= self._most:
            yield self.frame(columns)
            return
        ordered = self._by(key, columns)
        for part in range(len(ordered.spans)):
            yield self._framed(ordered.tables(part), columns)

    def of(
        self, key: str, values: Iterable[object], columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return the rows with some values of a column.

        Args:
            key: name of the column.
            values: values to select.
            columns: columns to read; all by default.
        """
        numbers, known = self._numbers(key)
        wanted = set(values)
        found = [number for number, value in enumerate(known) if value in wanted]
        return self._at(self._places(np.isin(numbers, found)), columns)

    def finder(self, key: str, columns: Sequence[str] | None = None) -> Finder:
        """Return a function like `of`, for many calls; rows are in the order of their parts."""

        def found(values: Iterable[object]) -> pd.DataFrame:
            ordered = self._by(key, columns)
            return self._framed(ordered.with_values(values), columns)

        return found

    def distinct(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the distinct rows of some columns, in order of appearance."""
        found = [self._framed([], names)]
        for frame, kept in self._each(names):
            found.append(frame[kept].drop_duplicates())
        return _joined(found).drop_duplicates(ignore_index=True)

    def where(self, names: Sequence[str], is_kept: Callable[[pd.DataFrame], pd.Series]) -> Parts:
        """Select the rows that meet a condition.

        Args:
            names: columns that the condition needs.
            is_kept: maps a frame of these columns to a bool per row.
        """
        found = copy(self)  # the numbers of values are those of all rows
        found._sorted = {}
        masks = [(is_kept(frame) & kept).to_numpy(bool) for frame, kept in self._each(names)]
        found._kept = np.concatenate([np.empty(0, bool), *masks])
        return found

    def _each(self, names: Sequence[str]) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Iterate over row groups: a frame of some columns, and which of its rows are kept."""
        first = 0
        for path, there in self._named(names):
            for table in Rows(path, there).groups():
                at = slice(first, first + len(table))
                kept = np.ones(len(table), bool) if self._kept is None else self._kept[at]
                yield self._framed([table], names)[[*names]], kept
                first = at.stop

    def _numbers(self, key: str) -> tuple[np.ndarray, list]:
        """Return the number of each row's value of a column, (n,), and the values."""
        if key not in self._numbered:
            known: dict[object, int] = {}
            found = [np.empty(0, np.int32)]
            for frame, _ in self._each([key]):
                numbers, values = pd.factorize(frame[key], use_na_sentinel=False)
                values = [None if pd.isna(value) else value for value in values]
                new = [known.setdefault(value, len(known)) for value in values]
                found.append(np.array(new, np.int32)[numbers])
            self._numbered[key] = np.concatenate(found), list(known)
        return self._numbered[key]

    def _places(self, among: np.ndarray | None = None) -> np.ndarray:
        """Return the places of the kept rows, restricted to a bool mask (n,) `among`."""
        if among is None:
            among = np.ones(sum(self._sizes), bool)
        return np.flatnonzero(among if self._kept is None else among & self._kept)

    def _by(self, key: str, columns: Sequence[str] | None) -> _Sorted:
        """The rows by a column, which are sorted once."""
        known = key, None if columns is None else tuple(columns)
        if known not in self._sorted:
            self._sorted[known] = _Sorted(self, key, columns)
        return self._sorted[known]

    def _named(self, columns: Sequence[str] | None) -> list[tuple[str | Path, list[str]]]:
        """Path of each table, and its wanted columns; if it has none of them, its first column.

        Arrow forgets the number of rows of a table without columns.
        """
        every = [tables.plain(schema) for schema in self._schemas]
        return [
            (path, [name for name in names if columns is None or name in columns] or names[:1])
            for path, names in zip(self._paths, every, strict=True)
        ]

    def _at(self, places: np.ndarray, columns: Sequence[str] | None) -> pd.DataFrame:
        """Return the rows at ascending places (n,)."""
        return self._framed(_rows_at(places, self._named(columns), self._sizes), columns)

    def _framed(self, found: Iterable[pa.Table], columns: Sequence[str] | None) -> pd.DataFrame:
        """Return tables as one frame; a column that none of them has is null."""
        wanted = [name for name in self.columns if columns is None or name in columns]
        frame = tables.as_frame([self._nothing.select(wanted), *found])
        return frame if list(frame) == wanted else frame[wanted]


class _Sorted:
    """The rows of tables in parts, each of which has all rows of some values of a column.

    Rows of a part that are near each other are read from the tables, scattered ones are copied:
    otherwise each part would read nearly the whole tables.

    Attributes:
        spans: first and end of the numbers of the values in each part.
    """

    def __init__(self, of: Parts, key: str, columns: Sequence[str] | None) -> None:
        self._named, self._sizes = of._named(columns), of._sizes
        self._numbers, values = of._numbers(key)
        self._known = {value: number for number, value in enumerate(values)}
        there = self._numbers if of._kept is None else self._numbers[of._kept]
        self.spans = [*_together(np.bincount(there, minlength=len(values)), of._most)]
        part_of = np.full(len(values), -1, np.int32)
        for part, (first, end) in enumerate(self.spans):
            part_of[first:end] = part
        self._parts = part_of[self._numbers]
        if of._kept is not None:
            self._parts[~of._kept] = -1
        runs = 1 + np.count_nonzero(np.diff(self._parts[self._parts >= 0]))
        self._copied = None
        if len(self.spans) > 1 and runs > of._groups:
            self._copied = Spilled(self._named, self._parts, of._most)

    def tables(self, part: int) -> Iterator[pa.Table]:
        """The rows of a part, in the tables' order."""
        if self._copied is not None:
            return self._copied.read(part)
        return _rows_at(np.flatnonzero(self._parts == part), self._named, self._sizes)

    def with_values(self, values: Iterable[object]) -> Iterator[pa.Table]:
        """The rows of some values of the column, part by part."""
        wanted = [self._known[value] for value in values if value in self._known]
        mine = np.isin(self._numbers, wanted) & (self._parts >= 0)
        if self._copied is None:
            yield from _rows_at(np.flatnonzero(mine), self._named, self._sizes)
            return
        for part in np.unique(self._parts[mine]):
            its = self._numbers[self._parts == part]
            first = 0
            for table in self.tables(part):
                kept = np.isin(its[first : first + len(table)], wanted)
                first += len(table)
                if kept.any():
                    yield tables.taken(table, np.flatnonzero(kept))


class Held:
    """A frame with the interface of `Parts`: it is the only part."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the frame."""
        return self._frame

    def by(self, key: str, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """Yield the frame as the only part."""
        yield self._frame

    def of(
        self, key: str, values: Iterable[object], columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return the rows with some values of a column."""
        return self._frame[self._frame[key].isin(list(values))]

    def finder(self, key: str, columns: Sequence[str] | None = None) -> Finder:
        """Return a function like `of`."""
        return partial(self.of, key, columns=columns)

    def distinct(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the distinct rows of some columns."""
        return self._frame[list(names)].drop_duplicates(ignore_index=True)


Frame: TypeAlias = pd.DataFrame | Parts
"""A table for an analysis that reads it by parts."""


def parted(table: Frame) -> Parts | Held:
    """Return a table as parts; a frame becomes the only part."""
    return table if isinstance(table, Parts) else Held(table)


def _nothing(schemas: Sequence[pa.Schema]) -> pa.Table:
    """Return a table without rows that has every column of some tables, except image columns."""
    plain = [
        pa.schema([schema.field(name).with_nullable(True) for name in tables.plain(schema)])
        for schema in schemas
    ]
    return tables.joined([schema.empty_table() for schema in dict.fromkeys(plain)])


def _rows_at(
    places: np.ndarray, named: Sequence[tuple[str | Path, list[str]]], sizes: Sequence[int]
) -> Iterator[pa.Table]:
    """Some columns at places (n,), ascending, in tables of one file each."""
    ends = np.cumsum(sizes, dtype=np.int64)
    cuts = [0, *np.searchsorted(places, ends)]
    for (path, names), size, end, (first, last) in zip(
        named, sizes, ends, pairwise(cuts), strict=True
    ):
        if last > first:
            here = places[first:last] - (end - size)
            yield from (table for _, table in Rows(path, names).by_group(here))


def _together(sizes: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """Yield first and end of runs of values whose sizes sum to at most `most`, or of one value."""
    first = total = 0
    for number, size in enumerate(sizes):
        if total and total + size > most:
            yield first, number
            first, total = number, 0
        total += size
    if total:
        yield first, len(sizes)


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate frames, except empty ones, whose types say nothing."""
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
