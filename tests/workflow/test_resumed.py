"""A killed job of an attack or a certificate resumes after its last finished chunk."""

import shutil

import pytest

from tests.workflow.conftest import Workflow

FRAGILE = """
import os
import signal
from pathlib import Path

import torch

from blindspots.families import budget
from blindspots.interface import CertificateResult, Status

CALLS, KILLED = Path("calls.txt"), Path("killed")


def called(what):
    # Write down the call; at the fourth the job is killed, once.
    with CALLS.open("a") as file:
        print(what, file=file)
    if len(CALLS.read_text().splitlines()) == 4 and not KILLED.exists():
        KILLED.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@budget("linf")
def attack(model, images, labels, targets, *, eps, box, rows):
    called(f"{rows[0]} {eps}")
    return (images + eps * (2 * torch.rand_like(images) - 1)).clamp(*box)


def certificate(model, images, labels):
    called(len(images))
    radius = torch.rand(len(images), dtype=torch.float64) / 1e6
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))
"""
WEIGHTS = "results/small/nets/linear.s0/weights.safetensors"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with one trained net and nothing else yet; read-only."""
    workflow = Workflow(tmp_path_factory.mktemp("trained") / "run")
    (workflow.folder / "fragile.py").write_text(FRAGILE, "utf-8")
    config = workflow.config
    config["nets"] = {"linear": config["nets"]["linear"]}
    config["attacks"]["lbfgs"] = {"method": "fragile:attack", "target": "any", "eps": [0.1, 0.3]}
    config["certificates"] = {"any": {"method": "fragile:certificate"}}
    both = config["experiments"]["both"] | {"sources": ["linear"], "victims": ["linear"]}
    # A certificate covers the images of both experiments, the two chunks of the first one first.
    config["experiments"] = {"before": both | {"part": "P1", "n": 10}, "both": both}
    config["tables"], config["figures"] = {}, {}
    config["machine"] |= {"chunk": 5, "checkpoint_seconds": 0}
    ended = workflow.run(WEIGHTS)
    assert ended.returncode == 0, ended.stdout
    return workflow


def copy(workflow, folder):
    shutil.copytree(workflow.folder, folder)
    copied = Workflow(folder)
    copied.config = workflow.config
    return copied


@pytest.mark.parametrize(
    ("table", "log", "chunks", "again"),
    [
        (
            "attacks/lbfgs/linear.s0/digits/test",
            "attack/lbfgs/linear.s0/digits/test",
            ["0-5"],
            2,
        ),  # two radii, so two calls a chunk
        ("certificates/any/linear.s0", "certify/any/linear.s0", ["0-5", "0-5", "5-10"], 1),
    ],
)
def test_what_was_finished_is_not_computed_again_and_the_bytes_are_those_of_a_run_never_killed(
    trained, tmp_path, table, log, chunks, again
):
    killed, undisturbed = (copy(trained, tmp_path / name) for name in ("killed", "undisturbed"))
    path = f"results/small/{table}.parquet"
    (undisturbed.folder / "killed").touch()
    ended = undisturbed.run(path)
    assert ended.returncode == 0, ended.stdout
    ended = killed.run(path)
    assert ended.returncode != 0 and "the job was killed" in ended.stdout
    assert not (killed.folder / path).exists()
    left = (killed.folder / path).parent.glob("*.chunks/*")
    assert sorted(file.stem for file in left) == chunks
    ended = killed.run(path)
    assert ended.returncode == 0, ended.stdout
    expected, found = (
        (workflow.folder / "calls.txt").read_text("utf-8").splitlines()
        for workflow in (undisturbed, killed)
    )
    assert found == expected[:4] + expected[4 - again :]
    assert (killed.folder / path).read_bytes() == (undisturbed.folder / path).read_bytes()
    assert not list(killed.folder.rglob("*.chunks"))
    said = (killed.folder / f"logs/small/{log}.log").read_text("utf-8")
    assert said.count("resumed after") == len(chunks)
