"""Cut a dataset into disjoint, seeded, stratified parts: P1, P2, the rest, validation, test.

P1 and P2 are the disjoint training sets of Szegedy et al. 2013, section 4.2 (Tables 3 and 4);
validation images are for tuning and belong to no other part. Parts are disjoint by content: of
equal training images only the first is used, and training images equal to a test image are not.
A config may name further parts, slices of the training images in the same order, which may overlap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from blindspots.files import tables
from blindspots.files._slices import Shares, cut
from blindspots.interface import InputError

SUBSETS: dict[str, tuple[str, ...]] = {
    "train": ("P1", "P2", "rest"),
    "P1": ("P1",),
    "P2": ("P2",),
    "validation": ("validation",),
    "test": ("test",),
}
"""The parts that every split has, and the subsets that make up each."""

DUPLICATE = "duplicate"

SCHEMA = pa.schema(
    [
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),  # "train" or "test"
        pa.field("index", pa.int32(), nullable=False),  # row in that prepared file
        pa.field("label", pa.int16(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
    ]
)
"""One row per image of the dataset, each file's rows in the split's seeded order.

For each part that the config itself names there is a boolean column in addition (`column_of`).
"""


def column_of(part: str) -> str:
    """Return the column of a split that tells which images a part has."""
    return "subset" if part in SUBSETS else f"in {part}"


def fingerprints(images: np.ndarray) -> list[str]:
    """Return the SHA-256 of each image's little-endian float32 bytes, in hexadecimal."""
    rows = np.ascontiguousarray(images, dtype="<f4").reshape(len(images), -1)
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]


def split(
    train: pa.Table,
    test: pa.Table,
    *,
    p1: float,
    p2: float,
    validation: float,
    seed: int,
    dataset: str = "",
    parts: Mapping[str, Shares] | None = None,
) -> tuple[pa.Table, dict[str, Any]]:
    """Assign each image to a subset, and to the slices that have it.

    Args:
        train: `label` and `sha256` of the training images, in file order.
        test: the same for the test images.
        p1: size of P1: a number of images, or a share (0 to 1) of the distinct training images
            without the validation part.
        p2: size of P2, a number or a share like `p1`.
        validation: size of the validation part: a number, or a share of the distinct training
            images.
        seed: seed of the assignment and of the order.
        dataset: name of the dataset.
        parts: further parts by name: slices of the distinct training images without the validation
            part, each from its first share (0 to 1) up to its second.

    Returns:
        A table with `SCHEMA` and a column for each of `parts`, and the number of images per part
        and of duplicates.

    Raises:
        InputError: sizes that add up to more images than there are, or slices that whole images do
            not give (`_slices.cut`).
    """
    rng = np.random.default_rng(seed)
    usable = _first_of_its_content(train["sha256"].to_pylist(), test["sha256"].to_pylist())
    labels = train["label"].to_numpy()
    order = usable[_stratified_order(labels[usable], rng)]

    n_validation = _count("validation", validation, len(order))
    left = len(order) - n_validation
    n_p1, n_p2 = _count("p1", p1, left), _count("p2", p2, left)
    if n_p1 + n_p2 > left:
        raise InputError(
            f"config: splits: expected p1 + p2 to be at most {left} (distinct training images − "
            f"validation), found {n_p1} + {n_p2} = {n_p1 + n_p2}; lower one of the three"
        )
    subset = np.full(len(labels), DUPLICATE, dtype=object)
    ends = np.cumsum([n_validation, n_p1, n_p2])
    for name, rows in zip(("validation", "P1", "P2", "rest"), np.split(order, ends), strict=True):
        subset[rows] = name
    slices = cut(order[n_validation:], parts or {})
    schema = pa.schema([*SCHEMA, *(_field(name) for name in slices)])

    files = []
    for name, table, subsets in (("train", train, subset), ("test", test, "test")):
        columns = {
            "seed": seed,
            "dataset": dataset,
            "file": name,
            "index": np.arange(len(table)),
            "label": table["label"],
            "sha256": table["sha256"],
            "subset": subsets,
        }
        places = np.arange(len(table))
        columns |= {
            column_of(part): np.isin(places, rows) if name == "train" else False
            for part, rows in slices.items()
        }
        files.append(tables.build(columns, schema).take(rng.permutation(len(table))))
    index = pa.concat_tables(files)
    assert_disjoint(index)
    counts = {name: len(rows_of(index, name)) for name in (*SUBSETS, *slices)}
    counts["left out as duplicates"] = len(labels) - len(usable)
    counts["duplicates within test"] = len(test) - pc.count_distinct(test["sha256"]).as_py()
    return index, counts


def replaced(index: pa.Table, train: pa.Table, test: pa.Table, *, dataset: str) -> pa.Table:
    """Return the split of a dataset that was derived from another, image by image.

    Args:
        index: split of the original dataset.
        train: `label` and `sha256` of the derived training images, in file order.
        test: the same for the test images.
        dataset: name of the derived dataset.
    """
    schema = pa.schema([*SCHEMA, *(f for f in index.schema if f.name not in SCHEMA.names)])
    names, places = np.array(index["file"].to_pylist()), index["index"].to_numpy()
    columns: dict[str, Any] = {name: index[name] for name in index.column_names}
    for name in ("label", "sha256"):
        both = [np.array(of[name].to_pylist())[places % len(of)] for of in (train, test)]
        columns[name] = np.where(names == "train", *both)
    made = tables.build(columns | {"dataset": dataset}, schema)
    return made.replace_schema_metadata(index.schema.metadata)


def rows_of(index: pa.Table, part: str) -> pa.Table:
    """Return the rows of a part, in the split's seeded order."""
    its = index[column_of(part)]
    return index.filter(pc.is_in(its, pa.array(SUBSETS[part])) if part in SUBSETS else its)


def assert_disjoint(index: pa.Table) -> None:
    """Check by content that no image is in two subsets.

    Raises:
        AssertionError: an image in two subsets.
    """
    taking_part = index.filter(pc.not_equal(index["subset"], DUPLICATE))
    groups = taking_part.group_by("sha256").aggregate([("subset", "count_distinct")])
    shared = groups.filter(pc.greater(groups["subset_count_distinct"], 1))
    assert len(shared) == 0, f"{len(shared)} images are in two subsets: {shared['sha256'][:3]}"


def check_classes(index: pa.Table, parts: Iterable[str]) -> None:
    """Check that each of some parts is empty or has images of every class.

    Raises:
        InputError: a part without a class; names both and the remedy.
    """
    every = set(index["label"].to_pylist())
    for name in sorted(set(parts)):
        labels = rows_of(index, name)["label"].to_pylist()
        missing = every - set(labels)
        if labels and missing:
            raise InputError(
                f"config: splits: part {name}: expected images of every class, found none of "
                f"class {min(missing)} among its {len(labels)}; enlarge it, or set it to 0"
            )


def _field(part: str) -> pa.Field:
    return pa.field(column_of(part), pa.bool_(), nullable=False)


def _first_of_its_content(train: list[str], test: list[str]) -> np.ndarray:
    seen = set(test)
    first = []
    for row, content in enumerate(train):
        if content not in seen:
            seen.add(content)
            first.append(row)
    return np.array(first, dtype=np.int64)


def _stratified_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an order in which every contiguous block has the classes nearly in proportion.

    Each class is shuffled and spread evenly over [0, 1); images are sorted by their places there.
    """
    places = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        places[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(places, kind="stable")


def _count(key: str, size: float, available: int) -> int:
    count = size if isinstance(size, int) else int(size * available + 1e-9)
    if count > available:
        raise InputError(
            f"config: splits.{key}: expected at most {available} images, found {count}; lower it"
        )
    return count
