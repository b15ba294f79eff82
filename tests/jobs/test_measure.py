"""A measurement's results become the tables that it declares."""

from contextlib import ExitStack

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.jobs.outputs import Outputs, _joined, _named, _with_keys

KEYS = {"net": "a", "seed": 3}


def test_a_table_alone_is_the_one_that_is_declared():
    assert _named("rows", ["scores"], "m") == {"scores": "rows"}
    assert _named({"x": 1, "y": 2}, ["y", "x"], "m") == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("result", "found"),
    [
        (pd.DataFrame(), "DataFrame"),
        (None, "NoneType"),
        ({"x": 1}, "x"),
        ({"x": 1, "y": 2, "z": 3}, "x, y, z"),
        ({}, "none"),
    ],
)
def test_other_tables_than_those_declared_are_refused(result, found):
    with pytest.raises(InputError) as error:
        _named(result, ["x", "y"], "measurements.m")
    assert str(error.value) == (
        f"measurements.m: expected a mapping with the tables that it declares (x, y), found {found}"
    )


def test_rows_say_what_they_are_of_where_they_do_not_yet():
    rows = _with_keys(pd.DataFrame({"value": [1.0, None]}), KEYS, "m")
    assert rows.to_pylist() == [
        {"value": 1.0, "net": "a", "seed": 3},
        {"value": None, "net": "a", "seed": 3},
    ]
    own = pa.table({"seed": [7]})
    assert _with_keys(own, KEYS, "m")["seed"].to_pylist() == [7]


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (pd.DataFrame({"value": [1, "one"]}), "expected one type per column, found several"),
        ([1, 2], "expected a table of PyArrow or of pandas, found list"),
    ],
)
def test_what_is_no_table_is_said_with_its_name(rows, part):
    with pytest.raises(InputError, match=rf"^measurements\.m: scores: {part}"):
        _with_keys(rows, KEYS, "measurements.m: scores")


def test_seeds_with_other_columns_are_said_with_the_table():
    parts = [pa.table({"value": [1.0]}), pa.table({"value": ["one"]})]
    with pytest.raises(InputError, match=r"^m: scores: expected the same columns for each part"):
        _joined(parts, "m: scores")


def outputs(files, folder):
    paths = {name: str(folder / f"{name}.parquet") for name in ("x", "y")}
    return Outputs(files, paths, ["x", "y"], {"settings": "s"}, "measurements.m")


def part(value, name="x"):
    return {name: pa.table({"value": [value]})}


def test_parts_are_appended_as_they_come_and_whole_tables_joined(tmp_path):
    with ExitStack() as files:
        made = outputs(files, tmp_path)
        made.add(iter([part(1), part(5, "y"), part(2)]), KEYS)
        made.add({**part(3), **part(6, "y")}, KEYS)
        made.end()
        assert list(tmp_path.glob("*.parquet")) == []  # no table exists before all are written
    x, y = (tables.read(tmp_path / f"{name}.parquet") for name in ("x", "y"))
    assert x["value"].to_pylist() == [1, 2, 3] and y["value"].to_pylist() == [5, 6]
    assert set(x["net"].to_pylist()) == {"a"} and tables.metadata(x) == {"settings": "s"}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([part(1)], r"expected a mapping with the tables that it declares \(x, y\), found x$"),
        ([part(1, "z")], r"expected a mapping with the tables that it declares .*, found z$"),
        ([part(1), part("one"), part(2, "y")], r"x: expected the same columns for each part or"),
    ],
)
def test_parts_that_are_not_what_it_declares_are_refused_and_leave_nothing(tmp_path, parts, said):
    with pytest.raises(InputError, match=rf"^measurements\.m: {said}"), ExitStack() as files:
        outputs(files, tmp_path).add(iter(parts), KEYS)
    assert list(tmp_path.iterdir()) == []


def test_a_part_has_its_columns_in_any_order_and_of_any_number_type_that_holds_its_values(tmp_path):
    first = pd.DataFrame({"n": [1], "share": [0.5], "note": ["a"]})
    others = [
        first[["note", "share", "n"]],
        first.drop(columns="note"),
        first.astype({"n": float, "share": "float32"}),
    ]
    with ExitStack() as files:
        made = outputs(files, tmp_path)
        made.add(iter([{"x": each} for each in [first, *others]] + [part(1, "y")]), KEYS)
    found = tables.read(tmp_path / "x.parquet")
    row = {"n": 1, "share": 0.5, "note": "a", **KEYS}
    assert found.to_pylist() == [row, row, row | {"note": None}, row]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"value": [1]}, {"value": [1.5]}),
        ({"value": [None]}, {"value": ["one"]}),
        ({"value": [1]}, {"value": [2], "more": [3]}),
    ],
)
def test_a_part_that_the_first_has_no_place_for_is_said_with_its_remedy(tmp_path, first, other):
    said = r"^measurements\.m: x: expected each part with the columns and types of the first, found"
    with pytest.raises(InputError, match=said) as error, ExitStack() as files:
        made = outputs(files, tmp_path)
        made.add(iter([{"x": pd.DataFrame(first)}, {"x": pd.DataFrame(other)}]), KEYS)
    assert "astype" in str(error.value)


def test_parts_with_images_may_differ_from_the_first(tmp_path):
    def rows(kind):
        schema = pa.schema([("image", pa.fixed_shape_tensor(pa.float32(), (2,))), ("n", kind)])
        return tables.build({"image": np.ones((1, 2), np.float32), "n": 1}, schema)

    with ExitStack() as files:
        made = outputs(files, tmp_path)
        made.add(iter([{"x": rows(pa.int64()), **part(1, "y")}, {"x": rows(pa.int16())}]), KEYS)
    assert tables.images(tables.read(tmp_path / "x.parquet")).tolist() == [[1, 1], [1, 1]]


def test_bad_input_that_is_found_between_two_parts_is_said_with_the_entry(tmp_path):
    def parts():
        yield part(1)
        raise InputError("victims: expected others")

    said = r"^measurements\.m: victims: expected others$"
    with pytest.raises(InputError, match=said), ExitStack() as files:
        outputs(files, tmp_path).add(parts(), KEYS)
    assert list(tmp_path.iterdir()) == []
