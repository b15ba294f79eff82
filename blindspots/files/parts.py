"""Read tables that are too long for one frame by parts, each with all rows of some keys.

A statistic of rows that share a key is therefore the same over a part as over the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.files import tables
from blindspots.files.rows import Rows

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
        files = [Rows(path) for path in paths]
        self._schemas = [file.schema for file in files] or [schema or pa.schema([])]
        self._sizes = [len(file) for file in files]
        self._kept: np.ndarray | None = None
        self._numbered: dict[str, tuple[np.ndarray, list]] = {}

    @property
    def columns(self) -> list[str]:
        """Names of the columns, except image columns."""
        every = dict.fromkeys(name for schema in self._schemas for name in tables.plain(schema))
        return list(every)

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
        numbers, values = self._numbers(key)
        there = numbers if self._kept is None else numbers[self._kept]
        sizes = np.bincount(there, minlength=len(values))
        for first, end in _together(sizes, self._most):
            yield self._at(self._places((numbers >= first) & (numbers < end)), columns)

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

    def distinct(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the distinct rows of some columns, in order of appearance."""
        found = [self._empty(names)]
        for frame, kept in self._each(names):
            found.append(frame[kept].drop_duplicates())
        return _joined(found).drop_duplicates(ignore_index=True)

    def where(self, names: Sequence[str], is_kept: Callable[[pd.DataFrame], pd.Series]) -> Parts:
        """Select the rows that meet a condition.

        Args:
            names: columns that the condition needs.
            is_kept: maps a frame of these columns to a bool per row.
        """
        found = Parts(self._paths, self._schemas[0], self._most)
        masks = [(is_kept(frame) & kept).to_numpy(bool) for frame, kept in self._each(names)]
        found._kept = np.concatenate([np.empty(0, bool), *masks])
        return found

    def _each(self, names: Sequence[str]) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Iterate over row groups: a frame of some columns, and which of its rows are kept."""
        first = 0
        for path in self._paths:
            for table in Rows(path, names).groups():
                at = slice(first, first + len(table))
                kept = np.ones(len(table), bool) if self._kept is None else self._kept[at]
                yield tables.as_frame([table]), kept
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

    def _at(self, places: np.ndarray, columns: Sequence[str] | None) -> pd.DataFrame:
        """Return the rows at ascending places (n,)."""
        found, first = [], 0
        for path, schema, size in zip(self._paths, self._schemas, self._sizes, strict=False):
            here = places[(places >= first) & (places < first + size)] - first
            first += size
            if len(here):
                names = [n for n in tables.plain(schema) if columns is None or n in columns]
                found += [table for _, table in Rows(path, names).by_group(here)]
        return tables.as_frame(found) if found else self._empty(columns)

    def _empty(self, columns: Sequence[str] | None) -> pd.DataFrame:
        every = tables.as_frame([schema.empty_table() for schema in self._schemas])
        return every[[name for name in every if columns is None or name in columns]]


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

    def distinct(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the distinct rows of some columns."""
        return self._frame[list(names)].drop_duplicates(ignore_index=True)


Frame: TypeAlias = pd.DataFrame | Parts
"""A table for an analysis that reads it by parts."""


def parted(table: Frame) -> Parts | Held:
    """Return a table as parts; a frame becomes the only part."""
    return table if isinstance(table, Parts) else Held(table)


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
