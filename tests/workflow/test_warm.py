"""Jobs of a run on this machine start warm, with the same results as jobs that start alone."""

import shutil

import pytest

OWN = """
import os
from pathlib import Path

import pandas as pd
import psutil


def parent(clean):
    Path("parent.txt").write_text(" ".join(psutil.Process(os.getppid()).cmdline()))
    cell = {"row": "a", "column": "b", "value": 1.0, "unit": "", "text": "", "n": 1}
    return pd.DataFrame([cell])
"""


def test_jobs_that_start_by_themselves_give_the_same_bytes(finished, copied):
    for folder in ("nets/coded.s0", "attacks/lbfgs/coded.s0", "measurements", "tables", "figures"):
        shutil.rmtree(copied.results / folder)
    ended = copied.run("--no-hooks")
    assert ended.returncode == 0, ended.stdout
    assert copied.tables() == finished.tables()
    for figure in (finished.results / "figures").iterdir():
        assert (copied.results / "figures" / figure.name).read_bytes() == figure.read_bytes()


@pytest.mark.parametrize(("options", "warm"), [([], True), (["--no-hooks"], False)])
def test_jobs_are_forks_unless_the_hooks_are_left_out(copied, options, warm):
    (copied.folder / "own.py").write_text(OWN, "utf-8")
    copied.config["tables"]["own"] = {"method": "own:parent", "experiment": "both"}
    shutil.rmtree(copied.results / "tables")
    ended = copied.run(*options)
    assert ended.returncode == 0, ended.stdout
    said = (copied.folder / "parent.txt").read_text("utf-8")
    assert ("multiprocessing.forkserver" in said) == warm
