"""The workflow through a real Slurm."""

import pytest

from tests.conftest import ROOT, unless
from tests.workflow.slurm import Slurm, missing


@pytest.fixture
def slurm(tmp_path):
    unless(missing())
    with Slurm(tmp_path / "slurm") as started:
        yield started


@pytest.mark.slow
@pytest.mark.ci
def test_through_slurm_it_makes_the_same_tables_with_a_gpu_for_those_that_ask(
    slurm, finished, workflow
):
    workflow.config["machine"] |= {"device": "auto", "shards": 2}
    ended = workflow.run(
        "--workflow-profile", str(ROOT / "profiles/slurm"), "--slurm-status-command", "squeue",
        "--slurm-init-seconds-before-status-checks", "6", "--latency-wait", "5",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    assert workflow.tables() == finished.tables()
    jobs = slurm.ask("scontrol", "show", "job", "--oneliner").splitlines()
    assert len(jobs) > 10
    asking = [job for job in jobs if "gpu" in job.partition("TresPer")[2]]
    assert any("attack_shard" in job for job in asking)
    assert len(asking) < len(jobs)
