"""Differences between two runs."""

import subprocess
import sys

import pandas as pd
import pytest

from blindspots.analyses import kit
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.runs import comparison
from tests.conftest import ROOT
from tests.pages import summary


def run(folder, frame):
    table = tables.from_frame(frame, kit.SCHEMA)
    tables.write(folder / "tables/t.parquet", table, {})
    return folder


@pytest.fixture
def two(tmp_path):
    before = summary()
    after = before.copy()
    after.loc[0, "value"] = before.loc[0, "value"] * 1.5
    return run(tmp_path / "a", before), run(tmp_path / "b", after)


def test_only_the_cell_that_moved_is_listed_with_its_change(two):
    found = comparison.moved(comparison.compare(*two))
    assert len(found) == 1
    assert found["change_percent"].iloc[0] == pytest.approx(50)
    first = summary().iloc[0]
    assert (found["row"].iloc[0], found["column"].iloc[0]) == (first["row"], first["column"])


def test_a_run_compared_with_itself_has_not_moved(two):
    assert comparison.moved(comparison.compare(two[0], two[0])).empty


def test_a_cell_that_one_run_lacks_is_listed_first(two, tmp_path):
    fewer = run(tmp_path / "c", summary().iloc[1:])
    found = comparison.moved(comparison.compare(two[1], fewer))
    assert pd.isna(found["after"].iloc[0])
    assert len(found) == 1


def test_a_folder_without_tables_is_named(tmp_path):
    with pytest.raises(InputError, match="expected the folder of a finished run"):
        comparison.compare(tmp_path, tmp_path)


def said(before, after):
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "compare", str(before), str(after)],
        cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_command_says_what_moved(two):
    assert "1 of " in said(*two)
    assert "(+50%)" in said(*two)


def test_the_command_says_none_for_what_a_run_lacks(two, tmp_path):
    fewer = run(tmp_path / "c", summary().iloc[1:])
    assert "→ none" in said(two[0], fewer)
    assert "nan" not in said(two[0], fewer)
