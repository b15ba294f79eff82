"""Faults during a run: how the run ends, and how the next one continues."""

import os
import random
import shutil
import signal
import subprocess
from contextlib import suppress
from itertools import islice

import pytest

from tests.conftest import unless
from tests.workflow.conftest import Workflow

KILLS = 20


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_tables_of_an_undisturbed_run(finished, workflow):
    moments, kills = random.Random(0), 0
    while kills < KILLS:
        process = subprocess.Popen(
            workflow.command("--nolock"), cwd=workflow.folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        with process.stdout as lines:  # a moment is a number of lines that the run has said
            for _ in islice(lines, moments.randrange(20, 100)):
                pass
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        if (workflow.results / "report.html").exists():  # it has finished: start from nothing
            shutil.rmtree(workflow.folder)
            workflow.folder.mkdir()
    ended = workflow.run("--nolock")
    assert ended.returncode == 0, ended.stdout
    assert workflow.tables() == finished.tables()
    assert not list(workflow.folder.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(
    "file",
    ["resources/digits/test.parquet", "results/small/attacks/lbfgs/linear.s0/digits/test.parquet",
     "results/small/nets/linear.s0/weights.safetensors"],
)  # fmt: skip
def test_a_truncated_file_is_named_with_its_remedy_which_works(finished, copied, file):
    path = copied.folder / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    shutil.rmtree(copied.results / "measurements/transfer")
    ended = copied.run()
    assert ended.returncode != 0
    told = [line for line in ended.stdout.splitlines() if file in line and "delete it" in line]
    assert told
    assert "Traceback" not in ended.stdout
    path.unlink()
    assert copied.run().returncode == 0
    assert copied.tables() == finished.tables()


WAITING = """
import os, signal, sys
from pathlib import Path
from blindspots.attacks import lbfgs

def attack(model, images, labels, targets, *, seed=0):
    if not Path("go on").exists():
        print(f"attack has begun: {os.getpid()}", file=sys.__stderr__, flush=True)
        signal.pause()
    return lbfgs(model, images, labels, targets, max_iterations=30)
"""


@pytest.mark.slow
@pytest.mark.ci
def test_a_job_that_the_system_kills_is_named_and_the_next_run_ends_the_same(tmp_path):
    killed, undisturbed = (Workflow(tmp_path / name) for name in ("killed", "undisturbed"))
    for workflow in (killed, undisturbed):
        (workflow.folder / "lab.py").write_text(WAITING)
        workflow.config["attacks"]["lbfgs"] = {"method": "lab:attack"}
        workflow.env = {"PYTHONPATH": str(workflow.folder)}
    with killed.begun("attack has begun: ", "--cores", "1") as process:
        os.kill(int(process.said[-1].split()[-1]), signal.SIGKILL)
        text = process.stdout.read()
        assert process.wait() != 0
    named = [line for line in text.splitlines() if "the job was killed" in line]
    assert len(named) == 1
    assert named[0].startswith("logs/small/attack/lbfgs/")
    assert "memory" in named[0]
    for workflow in (killed, undisturbed):
        (workflow.folder / "go on").touch()
        ended = workflow.run(env=workflow.env)
        assert ended.returncode == 0, ended.stdout
    assert killed.tables() == undisturbed.tables()


def test_too_little_memory_is_said_in_one_line(copied):
    (copied.folder / "greedy.py").write_text(
        "import torch\n\ndef greedy(model, images, labels, targets):\n    torch.empty(2**50)\n"
    )
    copied.config["attacks"]["lbfgs"] = {"method": "greedy:greedy"}
    ended = copied.run(env={"PYTHONPATH": str(copied.folder)})
    assert ended.returncode != 0
    told = {line for line in ended.stdout.splitlines() if "expected more memory" in line}
    assert len(told) == 2  # a line for each of two nets
    assert all("lower machine.chunk" in line for line in told)
    assert "Traceback" not in ended.stdout


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8M", "tmpfs", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    unless(ended.stderr and f"a small disk cannot be mounted ({ended.stderr.strip()})")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize("room", [100_000, 250_000, 400_000, 550_000])
def test_a_full_disk_is_said_and_with_room_the_next_run_ends_the_same(finished, small_disk, room):
    workflow = Workflow(small_disk / "run")
    workflow.command()  # writes the config
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filled").write_bytes(bytes(free - room))
    ended = workflow.run()
    assert ended.returncode != 0
    assert "expected room on the disk" in ended.stdout or "No space left" in ended.stdout
    (small_disk / "filled").unlink()
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    assert workflow.tables() == finished.tables()


STOPPING = """
import signal, sys
from pathlib import Path
from blindspots.config import methods

class Stopping:
    # Kept in every step; after some it waits to be killed.
    def __init__(self, checkpoint):
        self.checkpoint, self.kept = checkpoint, 0

    def __getattr__(self, name):
        return getattr(self.checkpoint, name)

    def keep(self, state):
        self.checkpoint.keep(state)
        self.kept += 1
        if self.kept == 3 and not Path("go on").exists():
            print("kept three times", file=sys.__stderr__, flush=True)
            signal.pause()

def train(model, images, labels, *, of, settings, checkpoint, seed=0, classes=None, box=None):
    train = methods.find("trainers", of)
    offered = {"seed": seed, "classes": classes, "box": box, "checkpoint": Stopping(checkpoint)}
    offered = methods.accepted(train, **offered)
    return train(model, images, labels, **offered, **settings)
"""


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(
    ("trainer", "settings"),
    [
        ("lbfgs", {"decay": 1e-5, "tolerance": 0, "max_iterations": 200, "history": 5}),
        ("adversarial_pools", {"layers": "all", "pool": 200, "epochs": 20}),
    ],
)
def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_weights(
    workflow, trainer, settings
):
    (workflow.folder / "lab.py").write_text(STOPPING)
    workflow.config["nets"]["linear"] = {
        "model": {"method": "mlp", "hidden": [12], "activation": "sigmoid"}, "train_on": "train",
        "trainer": {"method": "lab:train", "of": trainer, "settings": settings},
    }  # fmt: skip
    workflow.config["machine"]["checkpoint_seconds"] = 0
    workflow.env = {"PYTHONPATH": str(workflow.folder)}
    weights = "results/small/nets/linear.s0/weights.safetensors"
    checkpoint = (workflow.folder / weights).with_name("checkpoint.pt")
    with workflow.begun("kept three times", weights) as process:
        os.killpg(process.pid, signal.SIGKILL)
    assert checkpoint.exists()
    (workflow.folder / "go on").touch()
    ended = workflow.run(weights, "--nolock", env=workflow.env)
    assert ended.returncode == 0, ended.stdout
    log = (workflow.folder / "logs/small/train/linear.s0.log").read_text("utf-8")
    assert f"goes on from {checkpoint.relative_to(workflow.folder)}" in log
    assert not checkpoint.exists()
    found = (workflow.folder / weights).read_bytes()
    ended = workflow.run(weights, "--forcerun", "train", "--nolock", env=workflow.env)
    assert ended.returncode == 0, ended.stdout
    assert "goes on" not in (workflow.folder / "logs/small/train/linear.s0.log").read_text("utf-8")
    assert (workflow.folder / weights).read_bytes() == found
