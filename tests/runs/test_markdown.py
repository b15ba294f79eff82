"""The page of results, by hand and from a real run."""

import shutil
import subprocess
import sys

import pandas as pd
import pytest

from blindspots.analyses import kit
from blindspots.files import tables
from blindspots.runs import markdown
from tests.conftest import ROOT
from tests.pages import summary

HISTORY = tables.pa.schema([("iteration", tables.pa.int32()), ("seconds", tables.pa.float64())])


def of(methods):
    tables = {name: {"method": m, "title": f"Table {name}"} for name, m in methods.items()}
    return {"run": "mine", "tables": tables}


def test_the_page_has_every_figure_with_the_papers_beside_it(tmp_path):
    table = tables.from_frame(summary(), kit.SCHEMA)
    tables.write(tmp_path / "t.parquet", table, {"title": "Table T", "commit": "abc"})
    history = tables.build({"iteration": [0, 10], "seconds": [1.0, 83.6]}, HISTORY)
    tables.write(tmp_path / "h.parquet", history, {})
    page = markdown.page(
        of({"t": "transfer"}),
        {"t": tmp_path / "t.parquet"},
        {"A, seed 0": tmp_path / "h.parquet"},
        "make it",
        {"Curves": "figures/c.svg"},
        records=[
            *(
                {"rule_name": rule, "s": s, "cpu_time": 2 * s, "max_rss": 100 * s}
                for rule, s in [("train", 1.0), ("table", 2.0), ("train", 4.0)]
            ),
            {"rule_name": "split", "s": 0.2, "cpu_time": "NA", "max_rss": "NA"},
        ],
        size=3 * 2**20,
    )
    lines = page.splitlines()
    assert "| images made for / error (%) of | A & co | distortion |" in lines
    assert "| net \\<A\\> | 100.0 [98.5, 100.0] (100) | 0.062 (0.062) |" in lines
    assert "| net B | 12.3 [3.2, 21.0] |  |" in lines
    assert "| A, seed 0 | 10 | 84 |" in lines
    assert lines[-6:-2] == ["| train | 2 | 5 | 10 | 400 |", "| table | 1 | 2 | 4 | 200 |",
                            "| split | 1 | 0 | 0 | 0 |", "| all | 4 | 7 | 14 | 400 |"]  # fmt: skip
    assert lines[-1].startswith("3 MiB of results.")
    assert "Commit abc" in page
    assert "The paper's figure is in brackets." in page
    assert "`make it`" in page
    assert lines.index("![Curves](figures/c.svg)") == lines.index("## Curves") + 2


def test_another_runs_figures_stand_beside(tmp_path):
    frame = summary()
    told = {"title": "Table T", "commit": "abc"}
    tables.write(tmp_path / "t.parquet", tables.from_frame(frame, kit.SCHEMA), told)
    other = frame.assign(value=frame["value"] / 2, text=None)[frame["row"] == frame["row"].iloc[0]]
    tables.write(tmp_path / "o.parquet", tables.from_frame(other, kit.SCHEMA), told)
    config, beside = (
        of({"t": "transfer"}),
        markdown.Beside("printed", {"t": tmp_path / "o.parquet"}),
    )
    page = markdown.page(config, {"t": tmp_path / "t.parquet"}, {}, "make it", beside=beside)
    lines = page.splitlines()
    assert "After a slash: the run `printed`." in page
    assert "| net \\<A\\> | 100.0 [98.5, 100.0] (100) / 50.0 | 0.062 (0.062) / 0.031 |" in lines
    assert "| net B | 12.3 [3.2, 21.0] |  |" in lines


def test_another_runs_verdicts_stand_beside(tmp_path):
    frame = summary().assign(text=None, interval="student", networks=5)
    other = frame.assign(value=50.0, low=45.0, high=55.0)
    for name, made in {"t": frame, "u": frame, "o": other}.items():
        table = tables.from_frame(made, kit.SCHEMA)
        tables.write(tmp_path / f"{name}.parquet", table, {"title": "Table", "commit": "abc"})
    config = of({"t": "transfer", "u": "transfer"}) | {
        "claims": [
            {"claim": name, "cells": {"table": name, "rows": "A", "columns": "A"}, "at_least": 90}
            for name in "tu"
        ]
    }
    beside = markdown.Beside("printed", {"t": tmp_path / "o.parquet"})
    files = {name: tmp_path / f"{name}.parquet" for name in "tu"}
    lines = markdown.page(config, files, {}, "make it", beside=beside).splitlines()
    first = "100.0 % [98.5, 100.0]"
    assert (
        f"| t | holds / does not hold | {first} / 50.0 % [45.0, 55.0] | at least 90; t: A / A |"
    ) in lines
    assert f"| u | holds | {first} | at least 90; u: A / A |" in lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a | b", r"a \| b"), ("<img src=x>", r"\<img src=x\>"), ("`code`", r"\`code\`"),
        ("[a](javascript:b)", r"\[a\](javascript:b)"), ("two\nlines\r\nand", "two lines and"),
        ("*p* ~q~", r"\*p\* \~q\~"), ("_a_b", r"\_a_b"), ("a_", r"a\_"),
        ("&lt; & co", r"\&lt; & co"),
        ("\\|", r"\\\|"), ("no\u00a0break", "no\u00a0break"), ("FC10(1e-4) → b", "FC10(1e-4) → b"),
    ],
)  # fmt: skip
def test_text_of_a_config_stays_text_in_markdown(text, expected):
    assert markdown.plain(text) == expected


def test_labels_and_titles_of_a_config_are_no_markdown(tmp_path):
    hostile = "<b>x</b>\n# [y](z) | `w`"
    frame = summary().assign(row_label=hostile, column_label=hostile, text=hostile)
    frame.loc[0, ["value", "text", "reason"]] = [None, None, hostile]
    table = tables.from_frame(frame, kit.SCHEMA)
    tables.write(tmp_path / "t.parquet", table, {"title": hostile, "commit": "abc"})
    history = tables.build({"iteration": [0], "seconds": [1.0]}, HISTORY)
    tables.write(tmp_path / "h.parquet", history, {})
    page = markdown.page(
        of({"t": "transfer"}), {"t": tmp_path / "t.parquet"}, {hostile: tmp_path / "h.parquet"},
        "make it", {hostile: "figures/c.svg"},
    )  # fmt: skip
    escaped = r"\<b\>x\</b\> # \[y\](z) \| \`w\`"
    # Titles, a label and a head in the grid, its texts, the reason, the figure, the training.
    assert page.count(escaped) >= 8
    rest = page.replace(escaped, "")
    assert "<b>" not in rest and "[y]" not in rest and "`w`" not in rest
    grid = [line for line in rest.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in grid} == {4}  # of three columns


def test_a_page_without_printed_figures_does_not_speak_of_them(tmp_path):
    table = tables.from_frame(summary().assign(paper=float("nan")), kit.SCHEMA)
    tables.write(tmp_path / "t.parquet", table, {"title": "Table T", "commit": "abc"})
    page = markdown.page(of({"t": "transfer"}), {"t": tmp_path / "t.parquet"}, {}, "make it")
    assert "Distortion is RMS per pixel." in page
    assert "paper" not in page


def test_the_page_begins_with_a_note_and_with_what_the_reports_first_screen_says(tmp_path):
    shown = {"row": "largest", "row_label": "r", "column": "mean", "column_label": "mean", "n": 9,
             "value": 0.1254, "low": 0.118, "high": 0.132, "interval": "images", "networks": 1,
             "unit": "RMS per pixel"}  # fmt: skip
    measured = pd.DataFrame([shown]).reindex(columns=kit.SCHEMA.names)
    tables.write(
        tmp_path / "v.parquet",
        tables.from_frame(measured, kit.SCHEMA),
        {"title": "Table v", "commit": "abc"},
    )
    cells = {"table": "v", "rows": "largest"}
    claims = [{"claim": "It | is close", "cells": cells, "at_most": 0.14}]
    page = markdown.page(
        of({"v": "effects"}) | {"claims": claims}, {"v": tmp_path / "v.parquet"}, {}, "make it",
        note="More: [x](y.md)",
    )  # fmt: skip
    lines = page.splitlines()
    assert lines[:3] == ["# Results of the run `mine`", "", "More: [x](y.md)"]
    line = (
        "| It \\| is close | holds | 0.125 RMS per pixel [0.118, 0.132] | "
        "at most 0.14; v: largest |"
    )
    assert lines.index(line) < lines.index("## Table v")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "expected a YAML config, found no such file"),
        ("seeds: [0]", "expected the key 'nets'"),
    ],
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


def refused(folder, *arguments):
    """Return the error message of the command in a folder without a run."""
    shutil.copy(ROOT / "presets/digits.yaml", folder / "my.yaml")
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "results", *arguments], cwd=folder, text=True,
        capture_output=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 1
    return ended.stderr


def test_results_of_a_run_that_is_not_there_name_the_missing_file(tmp_path):
    said = refused(tmp_path, "my.yaml", "page.md")
    assert "expected a Parquet file, found none; run the workflow" in said
    assert "results/my/" in said


def test_a_long_table_is_left_to_the_report(tmp_path):
    rows = [
        summary().iloc[[0]].assign(row=str(i), row_label=str(i))
        for i in range(markdown.MOST_ROWS + 1)
    ]
    table = tables.from_frame(pd.concat(rows), kit.SCHEMA)
    tables.write(tmp_path / "t.parquet", table, {"title": "Table T", "commit": "abc"})
    page = markdown.page(of({"t": "transfer"}), {"t": tmp_path / "t.parquet"}, {}, "make it")
    assert f"## Table T\n\n{markdown.MOST_ROWS + 1} rows, which the report has." in page
    assert "| t |" not in page


def test_a_figure_that_the_config_has_not_is_named(tmp_path):
    said = refused(tmp_path, "my.yaml", "page.md", "--figures", "luck")
    assert "--figures: expected figures of the config (" in said
    assert "found 'luck'" in said


def test_a_figure_that_was_not_drawn_is_named_and_no_page_is_written(tmp_path):
    said = refused(tmp_path, "my.yaml", "page.md", "--figures", "distortions")
    assert "figures/distortions.svg: expected a figure, found none; run the workflow" in said
    assert not (tmp_path / "page.md").exists()


def test_a_config_is_not_written_over_where_the_page_was_forgotten(tmp_path):
    said = refused(tmp_path, "my.yaml", "my.yaml")
    assert said == "expected a page to write, such as RESULTS.md, found my.yaml\n"
