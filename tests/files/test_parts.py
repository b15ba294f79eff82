"""A table by parts has the rows of the whole table, however it is cut."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from blindspots.files import tables
from blindspots.files.parts import Parts, parted
from blindspots.interface import InputError

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("label", pa.int16()),
        pa.field("outcome", pa.dictionary(pa.int8(), pa.string())),
        tables.image_field((1, 2)),
    ]
)


@pytest.fixture
def paths(tmp_path):
    rng, found = np.random.default_rng(0), []
    for number in range(2):
        n = 40
        rows = {
            "net": rng.choice(["a", "b", "c", f"only {number}"], n).astype(object),
            "source": np.where(rng.random(n) < 0.3, None, "s"),
            "label": np.ma.array(rng.integers(0, 9, n), mask=rng.random(n) < 0.2),
            "outcome": rng.choice(["RIGHT", "WRONG"], n).astype(object),
            "image": np.zeros((n, 1, 2)),
        }
        found.append(tmp_path / f"{number}.parquet")
        tables.write(found[-1], tables.build(rows, SCHEMA), {}, group=8 * 7)
    return found


@pytest.fixture
def whole(paths):
    return tables.frame(paths)


def same(found, expected):
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected.reset_index(drop=True), check_categorical=False
    )


def test_all_rows_are_those_of_the_frame(paths, whole):
    same(Parts(paths).frame(), whole)
    same(Parts(paths).frame(["net", "label"]), whole[["net", "label"]])
    assert len(Parts(paths)) == len(whole)
    assert Parts(paths).columns == ["net", "source", "label", "outcome"]


@pytest.mark.parametrize("most", [1, 20, 50, 1000])
def test_parts_have_all_rows_of_their_values_in_the_order_of_the_table(paths, whole, most):
    found = [*Parts(paths, most=most).by("net")]
    for part in found:
        same(part, whole[whole["net"].isin(part["net"].unique())])
        assert len(part) <= most or part["net"].nunique() == 1
    appeared = [net for part in found for net in part["net"].unique()]
    assert sorted(appeared) == sorted(whole["net"].unique())
    assert (len(found) == 1) == (most == 1000)


def test_the_rows_of_some_values_are_all_of_these(paths, whole):
    same(Parts(paths).of("net", ["a", "only 1"]), whole[whole["net"].isin(["a", "only 1"])])
    same(Parts(paths).of("source", [None]), whole[whole["source"].isna()])
    assert list(Parts(paths).of("net", ["nobody"], ["label"])) == ["label"]


@pytest.mark.parametrize("most", [1, 20, 1000])
def test_a_finder_finds_the_rows_of_some_values_again_and_again(paths, whole, most):
    find = Parts(paths, most=most).finder("net", ["net", "label"])
    for nets in (["a", "only 1"], ["c"], ["nobody"], ["a", "b", "c"], [None]):
        found, expected = find(nets), whole.loc[whole["net"].isin(nets), ["net", "label"]]
        same(found.sort_values("net", kind="stable"), expected.sort_values("net", kind="stable"))
    same(parted(whole).finder("net")(["c"]), whole[whole["net"] == "c"])


def sorted_tables(folder):
    """Tables in which the rows of each net are together."""
    found = []
    for number in range(2):
        rows = {
            "net": np.repeat(["a", "b", "c", f"only {number}"], 20).astype(object),
            "source": None, "label": np.arange(80), "outcome": "RIGHT",
            "image": np.zeros((80, 1, 2)),
        }  # fmt: skip
        found.append(folder / f"sorted {number}.parquet")
        tables.write(found[-1], tables.build(rows, SCHEMA), {}, group=8 * 10)
    return found


@pytest.mark.parametrize("scattered", [True, False])
def test_a_row_group_is_read_a_few_times_whatever_the_number_of_parts(
    paths, tmp_path, scattered, groups
):
    paths = paths if scattered else sorted_tables(tmp_path)
    every = Parts(paths, most=1)
    assert len([*every.by("net")]) == 5
    find = every.finder("net")
    for net in "abc":
        assert set(find([net])["net"]) == {net}
    assert max(Counter(groups).values()) <= 3  # for their numbers, and for their rows


def test_different_rows_are_in_the_order_of_their_appearance(paths, whole):
    names = ["source", "net"]
    same(Parts(paths).distinct(names), whole[names].drop_duplicates())


def test_a_condition_leaves_its_rows_alone(paths, whole):
    kept = Parts(paths, most=10).where(
        ["label", "net"], lambda rows: rows["label"].eq(3).fillna(False)
    )
    expected = whole[whole["label"].eq(3).fillna(False)]
    same(kept.frame(), expected)
    same(kept.distinct(["net"]), expected[["net"]].drop_duplicates())
    same(kept.of("net", ["a"]), expected[expected["net"] == "a"])
    assert sum(map(len, kept.by("net"))) == len(kept) == len(expected)
    again = kept.where(["net"], lambda rows: rows["net"] == "b")
    same(again.frame(), expected[expected["net"] == "b"])


@pytest.mark.parametrize("most", [2, 7, 1000])
def test_a_condition_holds_for_finders_and_parts_whatever_rows_a_chunk_keeps(paths, whole, most):
    kept = Parts(paths, most=most).where(["net"], lambda rows: rows["net"].isin(["a", "b"]))
    find = kept.finder("net")
    for nets in (["c"], ["a", "c"], ["b"]):
        expected = whole[whole["net"].isin(set(nets) - {"c"})]
        same(
            find(nets).sort_values("net", kind="stable"), expected.sort_values("net", kind="stable")
        )
    assert sum(map(len, kept.by("source"))) == len(kept)


def test_a_finder_reads_only_the_row_groups_of_its_values(tmp_path, groups):
    paths = sorted_tables(tmp_path)
    find = Parts(paths).finder("net")
    find(["a"])
    groups.clear()
    assert len(find(["only 1"])) == 20
    assert {path for path, *_ in groups} == {paths[1]}


def test_of_no_table_there_are_the_columns_of_the_schema(whole):
    none = Parts([], SCHEMA)
    assert list(none.frame()) == list(whole)
    assert [len(part) for part in none.by("net")] == [0]
    assert none.distinct(["net"]).empty and none.of("net", ["a"]).empty


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_a_column_that_a_table_lacks_is_null_in_every_part(tmp_path, most):
    first = pa.schema([pa.field("k", pa.string(), nullable=False), ("x", pa.float64())])
    second = pa.schema([("y", pa.string()), pa.field("k", pa.string(), nullable=False)])
    paths = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    tables.write(paths[0], tables.build({"k": list("aab"), "x": [0.0, 1, 2]}, first), {})
    tables.write(paths[1], tables.build({"k": list("ccd"), "y": list("efg")}, second), {})
    every = Parts(paths, most=most)
    assert every.columns == ["k", "x", "y"]
    parts = [*every.by("k"), every.finder("k")(["a"]), every.of("k", ["c"]), every.frame()]
    assert all(list(part) == ["k", "x", "y"] for part in parts)
    of = pd.concat(every.by("k")).set_index("k")
    assert of["x"].isna().tolist() == [False] * 3 + [True] * 3
    assert of["y"].isna().tolist() == [True] * 3 + [False] * 3
    assert every.of("x", [None])["k"].tolist() == list("ccd")
    assert every.distinct(["y"])["y"].isna().sum() == 1
    only = pd.concat(every.by("k", ["y"]))
    assert list(only) == ["y"] and only["y"].isna().sum() == 3
    assert len(every.where(["x"], lambda rows: rows["x"].isna())) == 3


@pytest.mark.parametrize("most", [1, 1000])
def test_columns_of_two_types_have_the_wider_one_and_types_without_one_are_named(tmp_path, most):
    paths = [tmp_path / f"{name}.parquet" for name in ("whole", "halves", "words")]
    for path, values in zip(
        paths, (np.array([1, 2]), np.array([0.5, 1.5]), ["a", "b"]), strict=True
    ):
        table = pa.table({"k": [path.stem] * 2, "x": values})
        tables.write(path, table, {})
    numbers = Parts(paths[:2], most=most)
    frames = [pd.concat(numbers.by("k")), numbers.frame(), tables.frame(paths[:2])]
    for frame in frames:
        assert frame["x"].tolist() == [1.0, 2.0, 0.5, 1.5]
    assert numbers.of("k", ["whole"])["x"].dtype == float
    for joined in (lambda: Parts(paths, most=most).frame(), lambda: tables.frame(paths)):
        with pytest.raises(InputError, match=r"of other types .*x.*; give a column one type"):
            joined()


def test_a_frame_is_one_part(whole):
    (part,) = parted(whole).by("net")
    same(part, whole)
    same(parted(whole).of("net", ["a"]), whole[whole["net"] == "a"])
