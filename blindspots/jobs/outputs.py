"""Write a measurement's tables: whole tables are joined at the end, parts written as they come."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pandas as pd
import pyarrow as pa

from blindspots.attacks.table import schema
from blindspots.config.measurements import OF_LEDGER
from blindspots.files.parquet import writing
from blindspots.interface import InputError
from blindspots.jobs.job import saying

TRIMMED = 32
"""Number of parts after which free memory is given back to the system."""


class Outputs:
    """The tables of a job by name; memory holds no more than a measurement returns at a time."""

    def __init__(
        self, files: ExitStack, paths: Mapping[str, str], names: Sequence[str],
        said: Mapping[str, Any], where: str,
    ) -> None:  # fmt: skip
        """Prepare; nothing is written yet.

        Args:
            files: stack that closes the files at the job's end; an error discards them.
            paths: paths of the tables, by name.
            names: names of the tables.
            said: metadata of each table.
            where: the measurement's key in the config, for messages.
        """
        self._files, self._paths, self._names = files, paths, names
        self._said, self._where = said, where
        self._whole: dict[str, list[pa.Table]] = {}
        self._begun: dict[str, tuple[pa.Schema, Callable[[pa.Table], None]]] = {}

    def add(self, result: Any, keys: Mapping[str, Any]) -> None:
        """Take a measurement's result.

        Args:
            result: a table, tables by name, or an iterator of parts of them.
            keys: value of each key column, such as net and seed, added unless the rows have it.

        Raises:
            InputError: other tables than the measurement declares.
        """
        if not isinstance(result, Iterator):
            for name, rows in _named(result, self._names, self._where).items():
                self._whole.setdefault(name, []).append(self._made(name, rows, keys))
            return
        for number, part in enumerate(self._each(result), 1):
            if number % TRIMMED == 0:
                _trim()
            for name, rows in _named(part, self._names, self._where, part=True).items():
                self._write(name, self._made(name, rows, keys))
        _named(dict.fromkeys(self._begun), self._names, self._where)

    def end(self) -> None:
        """Write the tables that were returned whole."""
        for name, parts in self._whole.items():
            self._write(name, _joined(parts, f"{self._where}: {name}"))

    def _each(self, parts: Iterator[Any]) -> Iterator[Any]:
        while True:
            with saying(self._where):
                part = next(parts, None)
            if part is None:
                return
            yield part

    def _made(self, name: str, rows: Any, keys: Mapping[str, Any]) -> pa.Table:
        made = _with_keys(rows, keys, f"{self._where}: {name}")
        if name == OF_LEDGER:
            _assert_witnesses(made, f"{self._where}: {name}")
        return made

    def _write(self, name: str, rows: pa.Table) -> None:
        if name not in self._begun:
            file = writing(self._paths[name], rows.schema, self._said)
            self._begun[name] = rows.schema, self._files.enter_context(file)
        expected, append = self._begun[name]
        if not rows.schema.equals(expected):
            rows = _like(expected, rows, f"{self._where}: {name}")
        append(rows)


def _trim() -> None:
    """Give free memory back to the system; otherwise gaps between small live objects add up."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


def _named(result: Any, names: Sequence[str], where: str, *, part: bool = False) -> dict[str, Any]:
    """Return the tables by name; a bare table is the only one declared.

    With `part` some of the declared tables may be missing.
    """
    alone = not isinstance(result, Mapping)
    if alone and len(names) == 1:
        return {names[0]: result}
    if alone or not ({*result} <= {*names} if part else {*result} == {*names}):
        found = type(result).__name__ if alone else ", ".join(map(str, result)) or "none"
        raise InputError(
            f"{where}: expected a mapping with the tables that it declares ({', '.join(names)}), "
            f"found {found}"
        )
    return dict(result)


def _with_keys(rows: Any, keys: Mapping[str, Any], where: str) -> pa.Table:
    """Return the rows as a PyArrow table, with the key columns added unless they are there."""
    if isinstance(rows, pd.DataFrame):
        try:
            rows = pa.Table.from_pandas(rows, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InputError(
                f"{where}: expected one type per column, found several ({_line(error)})"
            ) from None
    if not isinstance(rows, pa.Table):
        raise InputError(
            f"{where}: expected a table of PyArrow or of pandas, found {type(rows).__name__}"
        )
    for name, value in keys.items():
        if name not in rows.column_names:
            kind = pa.int32() if isinstance(value, int) else pa.string()
            rows = rows.append_column(name, pa.array([value] * len(rows), kind))
    return rows


def _joined(parts: Sequence[pa.Table], where: str) -> pa.Table:
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowException, TypeError) as error:
        raise InputError(
            f"{where}: expected the same columns for each part or seed, found others "
            f"({_line(error)})"
        ) from None


def _like(expected: pa.Schema, rows: pa.Table, where: str) -> pa.Table:
    """Return a part with the first part's columns and types; a column that it lacks is null."""
    rows = _joined([expected.empty_table(), rows], where)
    try:
        return rows.cast(expected)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(
            f"{where}: expected each part with the columns and types of the first, found others "
            f"({_line(error)}); give every part the columns of the first (reindex) and their "
            "types (astype)"
        ) from None


def _assert_witnesses(rows: pa.Table, where: str) -> None:
    """Refuse rows that the ledger could not read: without the columns of attacks, or with nulls."""
    wanted = schema(()).remove_metadata()
    missing = [name for name in wanted.names if name not in rows.column_names]
    missing += [
        each.name
        for each in wanted
        if not each.nullable and each.name not in missing and rows[each.name].null_count
    ]
    if missing:
        raise InputError(
            f"{where}: expected the columns of a table of attacks, without nulls where "
            f"blindspots.attacks.table allows none, found no {', '.join(missing)}"
        )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
