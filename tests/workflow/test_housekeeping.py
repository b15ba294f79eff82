"""What no config needs is listed, and removed on request."""

import subprocess
import sys

from tests.conftest import ROOT


def prune(workflow, *options):
    workflow.command()  # writes the config
    ended = subprocess.run(
        [sys.executable, "-m", "blindspots", "prune", "my.yaml", *options],
        cwd=workflow.folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_a_run_needs_all_that_it_made(copied):
    assert prune(copied)[-1].startswith("0 files")


def test_what_a_net_left_that_is_no_longer_in_the_config_is_listed_and_removed(copied):
    del copied.config["nets"]["coded"], copied.config["nets"]["coder"]
    copied.config["experiments"]["both"] |= {"sources": ["linear"], "victims": ["linear"]}
    copied.config["figures"] = {}
    listed = prune(copied)
    assert "results/small/nets/coded.s0/weights.safetensors" in listed
    assert not any("linear" in line for line in listed)
    assert (copied.results / "nets/coded.s0").exists()
    prune(copied, "--delete")
    assert not (copied.results / "nets/coded.s0").exists()
    assert (copied.results / "nets/linear.s0/weights.safetensors").exists()
    assert prune(copied)[-1].startswith("0 files")
