"""Tables with explicit schemas, strict casts, no NaN and provenance; and their Parquet files.

Each module that owns a table owns its `pyarrow.Schema`. Image columns are fixed-shape tensors. A
missing value is null; a NaN is a bug and is refused. Pages and metadata have checksums, so that a
bit changed on the disk is found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from blindspots.files.parquet import GROUP, METADATA, as_said, damage, opened, pictured, writing
from blindspots.interface import InputError


def image_field(shape: Sequence[int], name: str = "image") -> pa.Field:
    """Return the field of a column of float32 images of one shape.

    Args:
        shape: shape of an image, such as (1, 28, 28).
        name: name of the column.

    Returns:
        A field without nulls, for a schema.
    """
    return pa.field(name, pa.fixed_shape_tensor(pa.float32(), list(shape)), nullable=False)


def images(table: pa.Table, name: str = "image") -> np.ndarray:
    """Return an image column as an array.

    Args:
        table: table with an image column.
        name: name of the column.

    Returns:
        (n, *image) float32.
    """
    shape = table.schema.field(name).type.shape
    values = [
        chunk.storage.flatten().to_numpy().reshape(-1, *shape) for chunk in table[name].chunks
    ]
    return np.concatenate(values) if values else np.empty((0, *shape), np.float32)


def build(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Build a table with exactly the columns and types of a schema.

    Args:
        columns: values by column name, in any order: sequences, (masked) arrays, images as
            (n, *image); a single value, or None, is repeated.
        schema: names and types of the columns, and which may have nulls.

    Returns:
        A table with this schema.

    Raises:
        ValueError: other columns than the schema's, a null where it allows none, or a NaN.
        pyarrow.ArrowInvalid: a value that does not fit its type.
    """
    if set(columns) != set(schema.names):
        raise ValueError(f"expected columns {sorted(schema.names)}, found {sorted(columns)}")
    n = next((len(v) for v in columns.values() if not _is_single(v)), 1)
    table = pa.table([_column(columns[field.name], field, n) for field in schema], schema=schema)
    for field in schema:
        column = table[field.name]
        if not field.nullable and column.null_count:
            raise ValueError(f"column {field.name}: expected no nulls, found {column.null_count}")
        if pa.types.is_floating(field.type) and pc.any(pc.is_nan(column)).as_py():
            raise ValueError(f"column {field.name}: expected no NaN, found some")
    return table


def from_frame(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """Build a table from a pandas frame, like `build`.

    Args:
        frame: frame with the schema's columns; NaN and NA become nulls.
        schema: schema of the table.

    Returns:
        A table with this schema.
    """
    return build({name: pa.array(frame[name], from_pandas=True) for name in frame}, schema)


def _is_single(values: Any) -> bool:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return False
    return values is None or np.ndim(values) == 0


def _column(values: Any, field: pa.Field, n: int) -> pa.Array | pa.ChunkedArray:
    if isinstance(field.type, pa.FixedShapeTensorType):
        return pa.FixedShapeTensorArray.from_numpy_ndarray(
            np.ascontiguousarray(values, dtype=np.float32)
        )
    if _is_single(values):
        return pa.repeat(pa.scalar(values, type=field.type), n)
    if isinstance(values, np.ndarray) and values.dtype.kind == "U":
        values = values.astype(object)  # Arrow makes no dictionaries of NumPy's own texts
    if isinstance(values, np.ma.MaskedArray):
        return pa.array(values.data, type=field.type, mask=np.ma.getmaskarray(values))
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(field.type)
    return pa.array(values, type=field.type)


def write(
    path: str | Path, table: pa.Table, metadata: Mapping[str, Any], *, group: int = GROUP
) -> None:
    """Write a table to a temporary file and rename it to `path`: a killed write leaves no file.

    Args:
        path: file to write; its folder is created.
        table: table made by `build`.
        metadata: JSON values kept in the file (git commit, settings, units, …).
        group: bytes of images in a row group, the unit of reading.
    """
    with writing(path, table.schema, metadata, group=group) as append:
        append(table)


def read(
    path: str | Path,
    columns: Sequence[str] | None = None,
    *,
    with_images: bool = True,
    where: pc.Expression | None = None,
) -> pa.Table:
    """Read a table that `write` wrote.

    Args:
        path: path of the table.
        columns: columns to read; all by default.
        with_images: False: all columns except image columns.
        where: condition that selects rows; row groups are read and filtered one at a time.

    Returns:
        The table, with the metadata that `write` was given.

    Raises:
        InputError: no such file, or a damaged one; names it and the remedy.
    """
    with damage(path), opened(path) as file:
        schema = file.schema_arrow
        if not with_images:
            columns = plain(schema)
        if where is None:
            return as_said(file.read(columns), schema)
        groups = (file.read_row_group(i, columns) for i in range(file.num_row_groups))
        return pa.concat_tables(as_said(group, schema).filter(where) for group in groups)


def schema_of(path: str | Path) -> pa.Schema:
    """Read the schema of a table that `write` wrote, without any row.

    Args:
        path: path of the table.

    Returns:
        The schema with the table's metadata, which `metadata` reads.

    Raises:
        InputError: the errors of `read`.
    """
    with opened(path) as file:
        return file.schema_arrow


def taken(table: pa.Table, places: np.ndarray) -> pa.Table:
    """Select rows of a table with any columns; Arrow itself cannot select rows of image columns.

    Args:
        table: the table.
        places: (n,) positions of the rows.

    Returns:
        A table of these rows, in this order.
    """
    if len(places) == 0:
        return table.slice(0, 0)
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        if isinstance(field.type, pa.FixedShapeTensorType):
            columns.append(_column(images(table, field.name)[places], field, len(places)))
        else:
            columns.append(column.take(pa.array(places)))
    return pa.table(columns, schema=table.schema)


def frame(
    paths: Sequence[str | Path],
    schema: pa.Schema | None = None,
    *,
    with_images: bool = False,
    first: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Read several tables into one frame; a column that a table lacks is null there.

    Args:
        paths: paths of the tables.
        schema: schema of the result if there is no table.
        with_images: keep image columns, as an array per row.
        first: number of rows of each table to keep; all by default.

    Returns:
        A frame; 16-bit integers are pandas' nullable Int16.
    """
    counts = [None] * len(paths) if first is None else first
    found = [
        read(path, with_images=with_images).slice(0, n)
        for path, n in zip(paths, counts, strict=True)
    ]
    if not found and schema is not None:
        found = [schema.empty_table()]
    rows = as_frame(found)
    if with_images:
        every = pa.concat_tables(
            [part.replace_schema_metadata() for part in found], promote_options="default"
        )
        rows = rows.assign(**{name: list(images(every, name)) for name in pictured(every.schema)})
    return rows


def as_frame(found: Sequence[pa.Table]) -> pd.DataFrame:
    """Concatenate tables into one frame, without image columns.

    Args:
        found: one table or more; a column that a table lacks is null there.

    Returns:
        A frame with the types of `frame`.
    """
    table = joined([part.select(plain(part.schema)) for part in found])
    return table.to_pandas(types_mapper={pa.int16(): pd.Int16Dtype()}.get)


def joined(found: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables, in the wider type of each column.

    Args:
        found: one table or more; a column that a table lacks is null there.

    Returns:
        One table, without metadata.

    Raises:
        InputError: a column of types that have no common one, such as numbers and text.
    """
    try:
        return pa.concat_tables(
            [part.replace_schema_metadata() for part in found], promote_options="permissive"
        )
    except (pa.ArrowException, TypeError) as error:
        raise InputError(
            f"expected tables whose columns can be joined, found columns of other types ({error}); "
            "give a column one type in all of them"
        ) from None


def plain(schema: pa.Schema) -> list[str]:
    """Select the columns that are not image columns.

    Args:
        schema: schema of a table.

    Returns:
        Their names.
    """
    return [name for name in schema.names if name not in pictured(schema)]


def metadata(table: pa.Table | pa.Schema) -> dict[str, Any]:
    """Return the metadata that `write` put into the file.

    Args:
        table: a table from a file, or its schema.

    Returns:
        The JSON values by name.

    Raises:
        InputError: metadata that `write` did not write.
    """
    schema = table if isinstance(table, pa.Schema) else table.schema
    try:
        return dict(json.loads((schema.metadata or {}).get(METADATA, b"{}")))
    except (RecursionError, TypeError, ValueError):
        raise InputError(
            "expected a table that a run wrote, found one with other metadata; delete it and run "
            "the workflow again"
        ) from None
