"""Readers of a run's files that use pyarrow and NumPy alone, and the audit's only error."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CHUNK, MANY = 1024, 2**17
"""Rows per chunk, with images and without; both bound memory."""

DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""Exceptions of pyarrow for a file with changed bits."""

MACHINE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES, errno.EPERM}
"""Errors that say nothing of a file: too many open ones, no memory, no access."""

AGAIN = "delete it and run the workflow again"


class AuditError(ValueError):
    """A discrepancy found by the audit, in one line."""


class Claim(NamedTuple):
    """A row of the ledger; `image` is its column `index`."""

    net: str
    seed: int
    dataset: str
    file: str
    image: int
    norm: str
    goal: str
    target: int | None
    upper: float | None
    attack: str | None
    lower: float | None
    certificate: str | None


Images = tuple[str, int, str]
"""Key of prepared images: dataset, seed (each has its own if they are derived) and file."""


class Originals:
    """Some unaltered images of a prepared file, their labels, the box and the number of classes."""

    def __init__(self, path: str | Path, indices: Iterable[int]) -> None:
        """Args: path of the prepared file; indices of the images in it, in any order."""
        wanted = np.unique(np.array([*indices], np.int64))
        labels, sums = (
            np.array(column) for column in zip(*rows(path, ["label", "sha256"]), strict=True)
        )
        outside = wanted[(wanted < 0) | (wanted >= len(labels))]
        if len(outside):
            raise AuditError(
                f"{path}: expected an image {outside[0]}, which a table names, found "
                f"{len(labels)} images; {AGAIN}"
            )
        self.path, self.places = path, {int(index): i for i, index in enumerate(wanted)}
        found = [images for _, images in stream(path, wanted)]
        self.images = np.concatenate(found) if found else np.empty(0, np.float32)
        check_images(path, wanted, self.images, sums[wanted])
        self.labels = labels[wanted].astype(np.int64)
        said = metadata(path)
        self.box = _box(said["box"])
        self.classes: int = said["classes"]

    def reach(self, index: int) -> np.ndarray:
        """Largest possible change of each feature of an image within the box."""
        image = self.images[self.place(index)].astype(np.float64)
        lower, upper = (np.asarray(end, float) for end in self.box)
        return np.maximum(image - lower, upper - image)

    def inside(self, images: np.ndarray) -> np.ndarray:
        """Return whether images (n, *image) lie in the box, (n,) bool."""
        lower, upper = self.box
        inside = (images >= lower) & (images <= upper)
        return np.asarray(inside.reshape(len(images), -1).all(axis=1))

    def place(self, index: int) -> int:
        """Return the position of an image among those that were read."""
        if index not in self.places:
            raise AuditError(
                f"{self.path}: image {index}: expected an image that a table names, found another"
            )
        return self.places[index]


def _box(said: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the two ends of a box, each a number or one for each feature; null: no limit."""
    lower, upper = (np.array(end, np.float64) for end in said)
    return np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)


def check_images(
    path: str | Path, places: np.ndarray, images: np.ndarray, sums: Iterable[str]
) -> None:
    """Reject images (n, *image) of a prepared file whose SHA-256 differ from these."""
    for place, image, expected in zip(places, images, sums, strict=True):
        found = hashlib.sha256(np.ascontiguousarray(image, "<f4").tobytes()).hexdigest()
        if found != expected:
            raise AuditError(
                f"{path}: row {place}: expected an image with SHA-256 {expected}, found {found}; "
                f"the file was changed: {AGAIN}"
            )


def unaltered(
    originals: Mapping[Images, Originals], claims: Sequence[Claim]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, *image) float64 that claims are about, and their labels (n,)."""
    found = [(originals[c.dataset, c.seed, c.file], c.image) for c in claims]
    images = np.stack([part.images[part.place(index)] for part, index in found])
    labels = np.array([part.labels[part.place(index)] for part, index in found])
    return images.astype(np.float64), labels


class Ledger:
    """The rows of a ledger, read once and returned net by net."""

    def __init__(self, path: str | Path) -> None:
        names = ["index" if name == "image" else name for name in Claim._fields]
        self._table = _reading(path, lambda file: _coded(file, names))
        found = self._table.group_by(["net", "seed"], use_threads=False).aggregate([])
        self.nets = [(row["net"], row["seed"]) for row in found.to_pylist()]

    def of(self, net: str, seed: int) -> list[Claim]:
        """Return the claims about a net."""
        its = pc.and_(pc.equal(self._table["net"], net), pc.equal(self._table["seed"], seed))
        columns = self._table.filter(its).to_pydict().values()
        return [Claim(*row) for row in zip(*columns, strict=True)]


def _coded(file: pq.ParquetFile, names: Sequence[str]) -> pa.Table:
    """Return some columns of a table, with text encoded as indices into its distinct words."""
    groups = (file.read_row_group(i, list(names)) for i in range(file.num_row_groups))
    coded = [pa.table({name: _words(group[name]) for name in names}) for group in groups]
    return pa.concat_tables(coded).unify_dictionaries()


def _words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def rows(path: str | Path, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the rows of a table as tuples of the named columns; null becomes None."""
    found = _reading(path, lambda file: file.read(list(names)).to_pydict())
    return list(zip(*(found[name] for name in names), strict=True))


def columns(path: str | Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return some columns (n,) of a table, as `batches` does; a missing one is all None."""
    found = _reading(
        path, lambda file: file.read([n for n in names if n in file.schema_arrow.names])
    )
    text = {f.name for f in found.schema if pa.types.is_dictionary(f.type)}
    return {
        name: np.full(len(found), None) if name not in found.column_names
        else (found[name].cast(pa.string()) if name in text else found[name]).to_numpy()
        for name in names
    }  # fmt: skip


def distinct(path: str | Path, names: list[str]) -> list[tuple[Any, ...]]:
    """Return the distinct rows of a table of any length, read batch by batch."""
    found: dict[tuple[Any, ...], None] = {}
    for batch in _batches(path, MANY, names):
        once = pa.Table.from_batches([batch]).group_by(names, use_threads=False).aggregate([])
        found |= dict.fromkeys(zip(*(once[name].to_pylist() for name in names), strict=True))
    return list(found)


def count(path: str | Path) -> int:
    """Return the number of a table's rows."""
    return _open(path).metadata.num_rows


def nets(path: str | Path) -> list[tuple[str, int]]:
    """Return the nets, by name and seed, that a table has rows about."""
    return distinct(path, ["net", "seed"])


def metadata(path: str | Path) -> dict[str, Any]:
    """Return the metadata of a table, such as settings and the digests of the weights behind it."""
    said = _open(path).schema_arrow.metadata or {}
    return json.loads(said.get(b"blindspots", b"{}"))


def batches(path: str | Path, size: int = CHUNK) -> Iterator[dict[str, np.ndarray]]:
    """Iterate over a table's columns, a chunk of rows at a time.

    Yields:
        Columns by name: (k,) numbers, text or bool, with nulls of numbers as NaN in float64; images
        as (k, *image) float32.
    """
    for batch in _batches(path, size):
        found = {}
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            pictured = isinstance(column.type, pa.FixedShapeTensorType)
            found[name] = _pixels(column) if pictured else column.to_numpy(zero_copy_only=False)
        yield found


def _batches(
    path: str | Path, size: int, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    file = _open(path)
    try:
        yield from file.iter_batches(size, columns=columns)
    except DAMAGE as error:
        raise _damaged(path, "Parquet file", error) from None


def _pixels(column: pa.Array) -> np.ndarray:
    return column.storage.flatten().to_numpy(zero_copy_only=False).reshape(-1, *column.type.shape)


def stream(path: str | Path, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Iterate over the images at some rows of a table, a chunk at a time.

    Args:
        path: path of the table.
        wanted: (n,) row numbers.

    Yields:
        Positions (k,) in `wanted`, and their images (k, *image) float32.
    """
    first = 0
    for batch in _batches(path, CHUNK, ["image"]):
        places = np.flatnonzero((wanted >= first) & (wanted < first + len(batch)))
        if len(places):
            yield places, _pixels(batch.column(0))[wanted[places] - first]
        first += len(batch)


def tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the float64 tensors of a safetensors file, and the spec of its model.

    The format: 8 bytes with the length of a JSON header, the header, the bytes of all tensors
    (github.com/huggingface/safetensors, README, "Format").
    """
    try:
        content = Path(path).read_bytes()
        end = 8 + int.from_bytes(content[:8], "little")
        header, content = json.loads(content[8:end]), content[end:]
        spec = json.loads(header.pop("__metadata__")["spec"])
        if not isinstance(spec, dict) or not isinstance(spec["method"], str):
            raise TypeError("a spec without a method")
        digest = hashlib.sha256()
        for name, entry in sorted(header.items()):
            digest.update(name.encode() + b"\0" + content[slice(*entry["data_offsets"])])
        if digest.hexdigest() != spec.pop("sha256"):
            raise ValueError("its tensors have another SHA-256 than it says")
        found = {name: _tensor(content, **entry) for name, entry in header.items()}
    except Exception as error:  # the file may contain anything
        raise _damaged(path, "safetensors file with a spec", error) from None
    return found, spec


DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def _tensor(content: bytes, dtype: str, shape: list[int], data_offsets: list[int]) -> np.ndarray:
    values = np.frombuffer(content[slice(*data_offsets)], DTYPES[dtype])
    return values.reshape(shape).astype(np.float64)


def _open(path: str | Path) -> pq.ParquetFile:
    return _reading(path, lambda file: file)


def _reading(path: str | Path, read: Any) -> Any:
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        schema, said = file.schema_arrow, file.metadata.metadata or {}
        text = (schema.metadata or {}).get(b"blindspots", b"")
        known = _check(text, schema, file.metadata.num_rows)
        if said.get(b"blindspots.sha256") != known:
            raise OSError("its metadata and columns have another checksum")
        return read(file)
    except DAMAGE as error:
        raise _damaged(path, "Parquet file", error) from None


def _check(text: bytes, schema: pa.Schema, n: int) -> bytes:
    """Return the checksum of a table's metadata, columns and number of rows (docs/files.md)."""
    columns = [
        (
            field.name,
            list(field.type.shape)
            if isinstance(field.type, pa.FixedShapeTensorType)
            else str(field.type),
            field.nullable,
        )
        for field in schema
    ]
    return hashlib.sha256(text + repr((columns, n)).encode()).hexdigest().encode()


def _damaged(path: str | Path, kind: str, error: Exception) -> Exception:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in MACHINE:
        return error
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return AuditError(f"{path}: expected a whole {kind}, found a damaged one ({reason}); {AGAIN}")
