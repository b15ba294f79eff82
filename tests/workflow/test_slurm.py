"""The workflow through a real Slurm."""

import os
import select
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT, unless
from tests.workflow.slurm import Slurm, missing

pytestmark = [pytest.mark.slow, pytest.mark.ci]


@pytest.fixture(autouse=True)
def can_start():
    unless(missing())


def processes(slurm):
    """Return the ids of the daemons and jobs of a Slurm, by their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is closed to us
            if str(slurm.folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def test_through_slurm_it_makes_the_same_tables_with_a_gpu_for_those_that_ask(
    tmp_path, finished, workflow
):
    workflow.config["machine"] |= {"device": "auto", "shards": 2}
    with Slurm(tmp_path / "slurm") as slurm:
        ended = workflow.run(
            "--workflow-profile", str(ROOT / "profiles/slurm"), "--slurm-status-command", "squeue",
            "--slurm-init-seconds-before-status-checks", "6", "--latency-wait", "5", env=slurm.env,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout
        assert workflow.tables() == finished.tables()
        jobs = slurm.ask("scontrol", "show", "job", "--oneliner").splitlines()
    assert len(jobs) > 10
    asking = [job for job in jobs if "gpu" in job.partition("TresPer")[2]]
    assert any("attack_shard" in job for job in asking)
    assert len(asking) < len(jobs)


def test_two_slurms_run_side_by_side_and_each_ends_alone(tmp_path):
    with ExitStack() as stack:
        first, second = (Slurm(tmp_path / name) for name in ("first", "second"))
        stack.enter_context(second)
        with first:
            for slurm in (first, second):
                slurm.ask("srun", "--job-name", slurm.folder.name, "true")
                assert f"JobName={slurm.folder.name}" in slurm.ask("scontrol", "show", "job")
            assert "JobName=first" not in second.ask("scontrol", "show", "job")
        assert not processes(first)
        second.ask("srun", "true")


OWNER = """
import signal, sys
from tests.workflow.slurm import Slurm

with Slurm(sys.argv[1]) as slurm:
    slurm.ask("sbatch", "--wrap", ": > running; exec sleep 600")
    signal.pause()
"""


def test_nothing_of_it_outlives_a_process_that_is_killed(tmp_path):
    slurm = Slurm(tmp_path / "slurm")
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(slurm.folder)], cwd=ROOT)
    try:
        while not (slurm.folder / "running").exists():
            assert owner.poll() is None
            time.sleep(0.1)
        ends = []
        for pid in processes(slurm):
            with suppress(ProcessLookupError):  # it has just ended, as sbatch may have
                ends.append(os.pidfd_open(pid))
        assert len(ends) > 6  # three daemons and what holds each, and a job
    finally:
        owner.kill()
        owner.wait()
    for end in ends:
        assert select.select([end], [], [], 60)[0], "it still runs"
        os.close(end)
