"""The page of results, by hand and from a real run."""

import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from blindspots import results, tables
from blindspots.analyses import _summary
from tests.conftest import ROOT
from tests.pages import summary

HISTORY = tables.pa.schema([("iteration", tables.pa.int32()), ("seconds", tables.pa.float64())])


def test_the_page_has_every_figure_with_the_papers_beside_it(tmp_path):
    table = tables.from_frame(summary(), _summary.SCHEMA)
    tables.write(tmp_path / "t.parquet", table, {"title": "Table T", "commit": "abc"})
    history = tables.build({"iteration": [0, 10], "seconds": [1.0, 83.6]}, HISTORY)
    tables.write(tmp_path / "h.parquet", history, {})
    page = results.page(
        "Results",
        {"t": tmp_path / "t.parquet"},
        {"A, seed 0": tmp_path / "h.parquet"},
        "make it",
        {"Curves": "figures/c.svg"},
    )
    lines = page.splitlines()
    assert "| t | A & co | distortion |" in lines
    assert "| net <A> | 100.0 [98.5, 100.0] (100) | 0.062 (0.062) |" in lines
    assert "| net B | 12.3 [3.2, 21.0] |  |" in lines
    assert "| A, seed 0 | 10 | 84 |" in lines
    assert "Commit abc" in page
    assert "`make it`" in page
    assert lines.index("![Curves](figures/c.svg)") == lines.index("## Curves") + 2


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "expected a YAML config, found none"), ("seeds: [0]", "expected the key 'run'")],
)
def test_a_wrong_config_ends_the_command_in_lines_of_its_own(tmp_path, text, message):
    path = tmp_path / "my.yaml"
    if text is not None:
        path.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "results", str(path), "page.md"],
        cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_results_of_a_run_that_is_not_there_name_the_missing_file(tmp_path):
    shutil.copy(ROOT / "presets/digits.yaml", tmp_path / "my.yaml")
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "results", "my.yaml", "page.md"],
        cwd=tmp_path, text=True, capture_output=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 1
    assert "expected a Parquet file, found none; run the workflow" in ended.stderr
    assert yaml.safe_load((tmp_path / "my.yaml").read_text())["run"] in ended.stderr


def test_a_long_table_is_left_to_the_report(tmp_path):
    rows = [
        summary().iloc[[0]].assign(row=str(i), row_label=str(i))
        for i in range(results.MOST_ROWS + 1)
    ]
    table = tables.from_frame(pd.concat(rows), _summary.SCHEMA)
    tables.write(tmp_path / "t.parquet", table, {"title": "Table T", "commit": "abc"})
    page = results.page("Results", {"t": tmp_path / "t.parquet"}, {}, "make it")
    assert f"## Table T\n\n{results.MOST_ROWS + 1} rows, which the report has." in page
    assert "| t |" not in page


def test_a_figure_that_the_config_has_not_is_named(tmp_path):
    shutil.copy(ROOT / "presets/digits.yaml", tmp_path / "my.yaml")
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "results", "my.yaml", "page.md", "--figures", "luck"],
        cwd=tmp_path, text=True, capture_output=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 1
    assert "--figures: expected figures of the config (" in ended.stderr
    assert "found 'luck'" in ended.stderr


def test_a_figure_that_was_not_drawn_is_named_and_no_page_is_written(tmp_path):
    shutil.copy(ROOT / "presets/digits.yaml", tmp_path / "my.yaml")
    command = ["results", "my.yaml", "page.md", "--figures", "distortions"]
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", *command], cwd=tmp_path, text=True,
        capture_output=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 1
    assert (
        "figures/distortions.svg: expected a figure, found none; run the workflow" in ended.stderr
    )
    assert not (tmp_path / "page.md").exists()


def test_a_config_is_not_written_over_where_the_page_was_forgotten(tmp_path):
    shutil.copy(ROOT / "presets/digits.yaml", tmp_path / "my.yaml")
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "results", "my.yaml", "my.yaml"],
        cwd=tmp_path, text=True, capture_output=True, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "expected a page to write, such as RESULTS.md, found my.yaml\n"
