import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from blindspots.files import parquet, tables
from blindspots.files.parquet import METADATA
from blindspots.files.rows import Rows
from blindspots.interface import InputError

SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("count", pa.int16()),
        pa.field("value", pa.float64()),
        tables.image_field((1, 2, 3)),
    ]
)


def columns(n=4):
    return {
        "name": [f"row {i}" for i in range(n)],
        "count": np.ma.array(np.arange(n), mask=[i == 1 for i in range(n)]),
        "value": np.linspace(0, 1, n),
        "image": np.random.default_rng(0).random((n, 1, 2, 3)),
    }


def test_what_is_written_is_read(tmp_path):
    tables.write(tmp_path / "t.parquet", tables.build(columns(), SCHEMA), {"unit": "m"})
    table = tables.read(tmp_path / "t.parquet")
    assert tables.metadata(table) == {"unit": "m"}
    assert table["count"].to_pylist() == [0, None, 2, 3]
    assert np.array_equal(tables.images(table), columns()["image"].astype(np.float32))


def test_rows_can_be_chosen_as_a_table_is_read(tmp_path):
    tables.write(tmp_path / "t.parquet", tables.build(columns(), SCHEMA), {"unit": "m"})
    table = tables.read(tmp_path / "t.parquet", where=pc.field("count").isin([0, 3]))
    assert table["name"].to_pylist() == ["row 0", "row 3"]
    assert np.array_equal(tables.images(table), columns()["image"][[0, 3]].astype(np.float32))
    assert tables.metadata(table) == {"unit": "m"}


def test_a_bit_that_changed_is_found_or_changes_nothing(tmp_path):
    path = tmp_path / "t.parquet"
    written = tables.build(columns(8), SCHEMA)
    tables.write(path, written, {"unit": "m", "box": [0.0, 1.0]})
    whole, found = path.read_bytes(), 0
    kept = tables.read(path)
    for place in range(len(whole)):
        bit = 1 << place % 8
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            table = tables.read(path)
        except InputError as error:
            assert str(error).startswith(f"{path}: expected a whole Parquet file, found a damaged")
            found += 1
        else:
            assert table.equals(kept)
            assert tables.metadata(table) == tables.metadata(kept)
    assert found > len(whole) / 2


def images_of(n, side=100):
    return np.random.default_rng(0).random((n, 1, side, side), dtype=np.float32)


def test_some_rows_are_read_in_the_order_asked_for_a_group_at_a_time(tmp_path):
    schema = pa.schema([pa.field("name", pa.int32()), tables.image_field((1, 100, 100))])
    path, n = tmp_path / "t.parquet", 400
    tables.write(
        path, tables.build({"name": np.arange(n), "image": images_of(n)}, schema), {"a": 1}
    )
    assert pa.parquet.ParquetFile(path).num_row_groups > 3
    places = np.array([390, 3, 250, 3, 0])
    some = Rows(path).take(places)
    assert some["name"].to_pylist() == places.tolist()
    assert np.array_equal(tables.images(some), images_of(n)[places])
    assert tables.metadata(some) == {"a": 1} == tables.metadata(tables.schema_of(path))
    assert len(Rows(path).take(places[:0])) == 0
    for outside in (n, -1):
        with pytest.raises(InputError, match=rf"expected a row {outside}, .* found {n} rows; del"):
            Rows(path).take(np.array([0, outside]))
    parts = list(Rows(path).chunks(150))
    assert [len(part) for part in parts] == [150, 150, 100]
    assert pa.concat_tables(parts)["name"].to_pylist() == list(range(n))


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        tables.write(tmp_path / name, tables.build(columns(), SCHEMA), {"x": 1, "a": [2]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_single_value_is_repeated():
    table = tables.build(columns() | {"name": "all", "count": None}, SCHEMA)
    assert table["name"].to_pylist() == ["all"] * 4
    assert table["count"].null_count == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "column name: expected no nulls"),
        ({"value": [0.0, 1.0, float("nan"), 2.0]}, "column value: expected no NaN"),
        ({"extra": 1}, "expected columns"),
        ({"count": [0, 1, 2, 70_000]}, "70000"),
        ({"value": ["x", "y", "z", "w"]}, "x"),
    ],
)
def test_refuses_what_does_not_fit_the_schema(change, message):
    with pytest.raises((ValueError, pa.ArrowException), match=message):
        tables.build(columns() | change, SCHEMA)


def test_a_truncated_file_is_named_with_its_remedy(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(path, tables.build(columns(), SCHEMA), {})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"t\.parquet: expected a whole Parquet file.*delete it"):
        tables.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: expected a Parquet file, found none"):
        tables.read(tmp_path / "none.parquet")


def test_frame_joins_files_and_keeps_nullable_integers(tmp_path):
    for name in ("a", "b"):
        tables.write(tmp_path / name, tables.build(columns(), SCHEMA), {"name": name})
    plain = tables.frame([tmp_path / "a", tmp_path / "b"])
    assert list(plain) == ["name", "count", "value"]
    assert str(plain["count"].dtype) == "Int16"
    assert len(plain) == 8
    assert len(tables.frame([tmp_path / "a", tmp_path / "b"], first=[3, 1])) == 4
    pictured = tables.frame([tmp_path / "a"], with_images=True)
    assert pictured["image"][0].shape == (1, 2, 3)


def test_frame_joins_tables_of_which_one_lacks_a_column(tmp_path):
    one, two = pa.schema([("a", pa.int32())]), pa.schema([("a", pa.int32()), ("b", pa.float64())])
    tables.write(tmp_path / "one", tables.build({"a": [1]}, one), {})
    tables.write(tmp_path / "two", tables.build({"a": [2], "b": [0.5]}, two), {})
    joined = tables.frame([tmp_path / "one", tmp_path / "two"])
    assert joined["a"].tolist() == [1, 2]
    assert joined["b"].isna().tolist() == [True, False]


@pytest.mark.parametrize("text", [b"no JSON", b"[1]", b"3", b"[" * 10_000, b"\xff"])
def test_metadata_that_no_run_wrote_is_refused(text):
    table = pa.table({"a": [1]}).replace_schema_metadata({METADATA: text})
    with pytest.raises(InputError, match="expected a table that a run wrote, found one with other"):
        tables.metadata(table)
    assert tables.metadata(table.replace_schema_metadata()) == {}


def test_texts_of_numpy_are_words_too():
    words = pa.schema([pa.field("outcome", pa.dictionary(pa.int8(), pa.string()))])
    for values in (np.array(["RIGHT", "WRONG"]), np.ma.array(["RIGHT", "WRONG"], mask=[0, 1])):
        found = tables.build({"outcome": values}, words)["outcome"].to_pylist()
        assert found == ["RIGHT", None if np.ma.isMaskedArray(values) else "WRONG"]


def test_row_groups_are_the_same_however_a_table_is_cut_into_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 100)
    words = pa.schema(
        [pa.field("n", pa.int32()), pa.field("word", pa.dictionary("int8", "string"))]
    )
    whole = tables.build({"n": np.arange(450), "word": ["odd", "even"] * 225}, words)
    files = []
    for sizes in ([450], [1, 7, 92, 250, 0, 100], [149] * 3 + [3], [0, 450]):
        files.append(tmp_path / f"{len(files)}.parquet")
        with parquet.writing(files[-1], words, {"a": 1}) as append:
            for first, n in zip(np.cumsum([0, *sizes]), sizes, strict=False):
                append(whole.slice(first, n))
        assert tables.read(files[-1]).equals(whole)
    file = pa.parquet.ParquetFile(files[0])
    assert [file.metadata.row_group(i).num_rows for i in range(5)] == [100] * 4 + [50]
    assert len({path.read_bytes() for path in files}) == 1


def test_no_more_than_a_row_group_waits_to_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS", 100)
    one, path = pa.schema([pa.field("n", pa.int32())]), tmp_path / "t.parquet"
    sizes = []
    with parquet.writing(path, one, {}) as append:
        for value in range(10):
            append(tables.build({"n": [value] * 50}, one))
            (waiting,) = tmp_path.iterdir()
            sizes.append(waiting.stat().st_size)
        assert not path.exists()
    # every second part completes a row group, which is on the disk at once
    assert all(a < b for a, b in zip(sizes[::2], sizes[1::2], strict=True))
    assert tables.read(path)["n"].to_pylist() == sorted([*range(10)] * 50)


def test_a_table_without_rows_has_its_columns(tmp_path):
    with parquet.writing(tmp_path / "t.parquet", SCHEMA, {"a": 1}):
        pass
    assert tables.read(tmp_path / "t.parquet").equals(SCHEMA.empty_table())
