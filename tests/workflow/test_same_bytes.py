"""The same config gives the same bytes: elsewhere, after a kill, in shards, in any path."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def test_the_same_config_gives_the_same_bytes_elsewhere(finished, workflow):
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    assert workflow.tables() == finished.tables()


def test_a_checkout_in_a_path_with_spaces_quotes_and_brackets_runs_jobs(workflow, tmp_path):
    checkout = tmp_path / "a 'checkout' [of \"mine\"]"
    folders = ("blindspots", "envs", "profiles", "reports", "rules", "schemas", "scripts")
    for folder in folders:
        shutil.copytree(ROOT / folder, checkout / folder)
    shutil.copy(ROOT / "Snakefile", checkout)
    (checkout / "venv").symlink_to(sys.prefix)
    python, command = (
        checkout / "venv/bin/python",
        workflow.command("results/small/attacks/lbfgs/linear.s0/digits/test.parquet"),
    )
    ended = subprocess.run(
        [str(python), *command[1:3], "--snakefile", str(checkout / "Snakefile"), *command[5:]],
        cwd=workflow.folder, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (workflow.results / "attacks/lbfgs/linear.s0/digits/test.parquet").exists()


def test_killed_half_way_it_keeps_what_was_finished_and_ends_the_same(finished, workflow):
    with workflow.begun(r"output: results/small/attacks/lbfgs/") as process:
        os.killpg(process.pid, signal.SIGKILL)
        *_, begun = process.said
    net = re.search(r"attacks/lbfgs/([^/]+)/", begun)[1]  # which is finished
    assert not (workflow.results / "report.html").exists()
    kept = [workflow.results / f"nets/{net}/weights.safetensors"]
    kept.append(workflow.folder / "resources/digits/train.parquet")
    written = [path.stat().st_mtime_ns for path in kept]
    assert workflow.run("--unlock").returncode == 0
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    assert [path.stat().st_mtime_ns for path in kept] == written
    assert workflow.tables() == finished.tables()
    assert not list(workflow.folder.rglob("*.part"))


@pytest.mark.parametrize("shards", [2, 3, 9])
def test_any_number_of_shards_gives_the_same_bytes(finished, copied, shards):
    copied.config["machine"]["shards"] = shards
    for folder in ("attacks", "measurements/transfer"):
        shutil.rmtree(copied.results / folder)
    jobs = copied.jobs()
    assert jobs["attack_shard"] == 2 * min(shards, 3)
    ended = copied.run()
    assert ended.returncode == 0, ended.stdout
    assert copied.tables() == finished.tables()
