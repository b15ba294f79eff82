"""Reading a run's files with pyarrow and NumPy alone, and the audit's one kind of error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 1024
"""Images at a time; bounds memory."""

AGAIN = "delete it and run the workflow again"


class AuditError(ValueError):
    """What the audit found wrong, said in one line."""


class Claim(NamedTuple):
    """A row of the ledger; `image` is its column `index`."""

    net: str
    seed: int
    file: str
    image: int
    goal: str
    target: int | None
    upper: float | None
    attack: str | None
    lower: float | None
    certificate: str | None


class Originals:
    """Some unaltered images of a prepared file, their labels and the box."""

    def __init__(self, path: str | Path, indices: Iterable[int]) -> None:
        """Args: path of the prepared file; indices of the images in it, in any order."""
        wanted = np.unique(np.array([*indices], np.int64))
        labels = np.array([label for (label,) in rows(path, ["label"])], np.int64)
        outside = wanted[(wanted < 0) | (wanted >= len(labels))]
        if len(outside):
            raise AuditError(
                f"{path}: expected an image {outside[0]}, which the ledger names, found "
                f"{len(labels)} images; {AGAIN}"
            )
        self.path, self.places = path, {int(index): i for i, index in enumerate(wanted)}
        found = [images for _, images in stream(path, wanted)]
        self.images = np.concatenate(found) if found else np.empty(0, np.float32)
        self.labels = labels[wanted]
        metadata = _open(path).schema_arrow.metadata or {}
        self.box: list[float] = json.loads(metadata[b"blindspots"])["box"]

    def place(self, index: int) -> int:
        """Of an image among those given before."""
        if index not in self.places:
            raise AuditError(
                f"{self.path}: image {index}: expected a row of the ledger, found none; "
                "delete the ledger and run the workflow again"
            )
        return self.places[index]


def unaltered(
    originals: Mapping[str, Originals], claims: Sequence[Claim]
) -> tuple[np.ndarray, np.ndarray]:
    """The images (n, *image) float64 that claims are about, and their labels (n,)."""
    found = [(originals[claim.file], claim.image) for claim in claims]
    images = np.stack([part.images[part.place(index)] for part, index in found])
    labels = np.array([part.labels[part.place(index)] for part, index in found])
    return images.astype(np.float64), labels


def claims(path: str | Path) -> list[Claim]:
    """The rows of a ledger."""
    columns = ["index" if name == "image" else name for name in Claim._fields]
    return [Claim(*row) for row in rows(path, columns)]


def rows(path: str | Path, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of a table, as tuples of the named columns; null is None."""
    found = _reading(path, lambda file: file.read(list(names)).to_pydict())
    return list(zip(*(found[name] for name in names), strict=True))


def origin(path: str | Path) -> tuple[str, int] | None:
    """Net and seed of a table of one net; None for a table without rows."""
    first = next(_open(path).iter_batches(1, columns=["net", "seed"]), None)
    return None if first is None else (first["net"][0].as_py(), first["seed"][0].as_py())


def stream(path: str | Path, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images at some rows of a table, a chunk of it at a time.

    Args:
        path: of the table.
        wanted: (n,) rows.

    Yields:
        Places (k,) in `wanted`, and their images (k, *image) float32.
    """
    first = 0
    for batch in _open(path).iter_batches(CHUNK, columns=["image"]):
        places = np.flatnonzero((wanted >= first) & (wanted < first + len(batch)))
        if len(places):
            values = batch.column(0)
            images = values.storage.flatten().to_numpy().reshape(-1, *values.type.shape)
            yield places, images[wanted[places] - first]
        first += len(batch)


def tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The float64 tensors of a safetensors file, and the spec of the model that it holds.

    The format: 8 bytes with the length of a JSON header, the header, the tensors' bytes in a row
    (github.com/huggingface/safetensors, README, "Format").
    """
    try:
        content = Path(path).read_bytes()
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        spec = json.loads(header.pop("__metadata__")["spec"])
        if not isinstance(spec, dict) or not isinstance(spec["method"], str):
            raise TypeError("a spec without a method")
        found = {name: _tensor(content[end:], **entry) for name, entry in header.items()}
    except Exception as error:  # of a file that says anything
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
        return read(pq.ParquetFile(path))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, "Parquet file", error) from None


def _damaged(path: str | Path, kind: str, error: Exception) -> AuditError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return AuditError(f"{path}: expected a whole {kind}, found a damaged one ({reason}); {AGAIN}")
