"""What commands print, to any terminal, and how they end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from blindspots import __main__ as command
from blindspots.analyses.kit import checked
from blindspots.files import tables
from tests.conftest import ROOT

FIGURES = ("row", "column", "value", "unit", "n")


@pytest.fixture
def two_runs(tmp_path):
    """Folders of two runs that differ in one figure of a table."""
    for run, value in (("a", 1.0), ("b", 2.0)):
        frame = pd.DataFrame([["x", "y", value, "%", 1]], columns=FIGURES)
        tables.write(tmp_path / run / "tables/t.parquet", checked(frame, "t"), {"title": "t"})
    return tmp_path


def compared(folder, **options):
    """`blindspots compare` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "blindspots", "compare", "a", "b"], cwd=folder, check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "arrow"),
    [
        ({}, "\N{RIGHTWARDS ARROW}"),
        ({"PYTHONIOENCODING": "ascii"}, "\\u2192"),
        ({"PYTHONIOENCODING": "latin-1"}, "\\u2192"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "\\u2192"),
    ],
    ids=str,
)
def test_a_terminal_of_another_encoding_shows_what_it_can(two_runs, settings, arrow):
    env = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    env |= {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"} | settings
    ended = compared(two_runs, env=env, encoding="utf-8")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"t: x, y: 1 {arrow} 2 % (+100%)\n1 of 1 figures differ\n"


def test_a_reader_that_has_enough_ends_a_command_in_silence(two_runs):
    reading, writing = os.pipe()
    os.close(reading)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = compared(two_runs, env=env, stdout=writing)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")


def test_a_full_disk_under_standard_output_is_said_in_a_line(two_runs):
    with Path("/dev/full").open("w") as full:
        ended = compared(two_runs, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=full)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "No space left on device" in ended.stderr


def test_a_closed_standard_output_is_no_fault(two_runs):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = compared(two_runs, env=env, stdout=None, preexec_fn=lambda: os.close(1))
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), (130, "")),
        (PermissionError(13, "Denied", "x"), (1, "expected files that can be opened, ")),
        (KeyError("gone"), (1, f"{ROOT}/blindspots/__main__.py, line ")),
    ],
    ids=repr,
)
def test_what_goes_wrong_in_a_command_is_one_line(blindspots, monkeypatch, error, said):
    def breaks(_):
        raise error

    breaks.__code__ = breaks.__code__.replace(co_filename=command.__file__)  # of the program's own
    monkeypatch.setattr(command.compare, "run", breaks)
    status, out, told = blindspots("compare", "a", "b")
    assert (status, out) == (said[0], "")
    assert told.startswith(said[1])
    assert len(told.splitlines()) == (1 if said[1] else 0)
