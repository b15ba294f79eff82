"""Results record the hash of the settings that made them."""

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from blindspots.files import tables
from blindspots.provenance import settings_in

SETTINGS = "0123456789abcdef"


def test_a_table_says_its_settings(tmp_path):
    schema = pa.schema([("a", pa.int32()), tables.image_field((1, 2, 2))])
    made = tables.build({"a": np.arange(3), "image": np.zeros((3, 1, 2, 2))}, schema)
    tables.write(tmp_path / "t.parquet", made, {"settings": SETTINGS})
    assert settings_in(tmp_path / "t.parquet") == SETTINGS


@pytest.mark.parametrize("said", [[], "text", 1, None, {}, {"settings": ["a"]}, {"settings": 1}])
def test_a_table_that_says_something_else_says_nothing(tmp_path, said):
    metadata = {b"blindspots": json.dumps(said).encode()}
    table = pa.table({"a": [1]}).replace_schema_metadata(metadata)
    pq.write_table(table, tmp_path / "t.parquet")
    assert settings_in(tmp_path / "t.parquet") is None


def test_a_damaged_table_says_its_settings_or_nothing(tmp_path):
    path, rng = tmp_path / "t.parquet", random.Random(0)
    schema = pa.schema([("a", pa.int32()), ("b", pa.int16())])
    made = tables.build({"a": np.arange(3), "b": np.arange(3)}, schema)
    tables.write(path, made, {"settings": SETTINGS})
    whole = path.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for _ in range(3000):
        changed = bytearray(whole)
        changed[-rng.randrange(1, footer)] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        assert isinstance(settings_in(path), str | None)


@pytest.mark.parametrize(
    ("text", "said"),
    [(f"<html settings:{SETTINGS}>", SETTINGS), ("<html>", None), ("", None)],
)
def test_a_page_says_its_settings_in_text(tmp_path, text, said):
    (tmp_path / "page.html").write_text(text)
    assert settings_in(tmp_path / "page.html") == said


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    assert settings_in(tmp_path / "none.svg") is None
    assert settings_in(tmp_path / "none.parquet") is None
