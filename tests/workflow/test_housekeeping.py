"""Files that no config needs are listed, and removed on request."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def prune(workflow, *options):
    """Run the command; return the lines of standard output, and standard error."""
    workflow.command()  # writes the config
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "prune", "my.yaml", *options],
        cwd=workflow.folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return ended.stdout.splitlines(), ended.stderr


@pytest.fixture
def fewer(copied):
    """A finished run, and a config without two of its nets."""
    del copied.config["nets"]["coded"], copied.config["nets"]["coder"]
    copied.config["experiments"]["both"] |= {"sources": ["linear"], "victims": ["linear"]}
    copied.config["figures"] = {}
    return copied


CHUNKS = (
    "attacks/lbfgs/{}.s0/digits/test.chunks/0-8.parquet",
    "attacks/lbfgs/{}.s0/digits/test.0-8.chunks/0-8.parquet",  # of a shard
    "certificates/product/{}.s0.digits.test.chunks/0-8.parquet",
)


def leave_chunks(workflow, net):
    """Write the files that a net's killed jobs leave, and return their paths in the results."""
    paths = [path.format(net) for path in CHUNKS]
    for path in paths:
        (workflow.results / path).parent.mkdir()
        (workflow.results / path).touch()
    return paths


def test_a_run_needs_all_that_it_made_and_what_killed_jobs_may_go_on_from(copied):
    (copied.results / "nets/linear.s0/checkpoint.pt").touch()
    leave_chunks(copied, "linear")
    assert prune(copied) == (["0 files, 0.0 MiB"], "")


def test_what_a_net_left_that_is_no_longer_in_the_config_is_listed_and_removed(fewer):
    (fewer.results / "nets/coded.s0/checkpoint.pt").touch()
    chunks = leave_chunks(fewer, "coded")
    listed, _ = prune(fewer)
    assert {f"results/small/{path}" for path in chunks} <= {*listed}
    assert listed[-1].endswith("; to remove them: --delete")
    assert {
        "results/small/nets/coded.s0/weights.safetensors",
        "results/small/nets/coded.s0/checkpoint.pt",
        "results/small/figures/examples.svg",
        "logs/small/train/coded.s0.log",
        "logs/small/train/coded.s0.jsonl",
    } <= {*listed}
    assert not any("linear" in line or "resources" in line for line in listed)
    assert (fewer.results / "nets/coded.s0").exists()
    removed, _ = prune(fewer, "--delete", "--yes")
    assert removed[:-1] == listed[:-1]
    assert removed[-1].endswith("; removed")
    assert not (fewer.results / "nets/coded.s0").exists()
    assert (fewer.results / "nets/linear.s0/weights.safetensors").exists()
    assert (fewer.folder / "logs/small/times.md").exists()
    assert prune(fewer) == (["0 files, 0.0 MiB"], "")


def test_logs_are_left_where_one_may_be_of_a_job_that_failed(fewer):
    shutil.rmtree(fewer.folder / ".snakemake/metadata")  # as if some had never ended
    listed, _ = prune(fewer)
    assert "results/small/nets/coded.s0/weights.safetensors" in listed
    assert not any(line.startswith("logs/") for line in listed)


def test_other_runs_and_what_they_may_need_are_left_alone(fewer):
    others = fewer.folder / "results/others"
    others.mkdir()
    (others / "report.html").touch()
    images = fewer.folder / "resources/theirs/train.parquet"
    images.parent.mkdir()
    images.touch()
    listed, said = prune(fewer)
    assert not any("others" in line or "theirs" in line for line in listed)
    assert said == "Left alone: results/others and resources, since no config names them\n"
    (others / "report.html").unlink()
    others.rmdir()
    listed, said = prune(fewer)
    assert "resources/theirs/train.parquet" in listed
    assert said == ""


def test_nothing_is_removed_unasked_or_beside_a_run_at_work(fewer):
    unasked = "--delete: expected a terminal to ask on, found none; add --yes\n"
    assert prune(fewer, "--delete") == ([], unasked)
    locks = fewer.folder / ".snakemake/locks"
    locks.mkdir()
    (locks / "0.input.lock").touch()
    found, said = prune(fewer, "--delete", "--yes")
    assert found == []
    assert said.startswith(f"{fewer.folder} is locked: another run is at work in it")
    assert (fewer.results / "nets/coded.s0").exists()
