"""What breaks on the way, and how a run ends or goes on after it."""

import os
import random
import shutil
import signal
import subprocess
import time

import psutil
import pytest

from tests.conftest import unless
from tests.workflow.conftest import Workflow

KILLS = 20


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_tables_of_an_undisturbed_run(finished, workflow):
    moments, kills = random.Random(0), 0
    while kills < KILLS:
        process = subprocess.Popen(
            workflow.command("--nolock"), cwd=workflow.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.wait(moments.uniform(2, 10)) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        else:  # it has finished: again from nothing
            shutil.rmtree(workflow.folder)
            workflow.folder.mkdir()
    ended = workflow.run("--nolock")
    assert ended.returncode == 0, ended.stdout
    assert workflow.tables() == finished.tables()
    assert not list(workflow.folder.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    ["resources/digits/test.parquet", "results/small/attacks/lbfgs/linear.s0/test.parquet",
     "results/small/nets/linear.s0/weights.safetensors"],
)  # fmt: skip
def test_a_truncated_file_is_named_with_its_remedy_which_works(finished, copied, file):
    path = copied.folder / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    shutil.rmtree(copied.results / "transfer")
    ended = copied.run()
    assert ended.returncode != 0
    told = [line for line in ended.stdout.splitlines() if file in line and "delete it" in line]
    assert told
    assert "Traceback" not in ended.stdout
    path.unlink()
    assert copied.run().returncode == 0
    assert copied.tables() == finished.tables()


def running(script, folder):
    """The processes of jobs with this script in this folder."""
    for process in psutil.process_iter(["name", "cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if "python" in process.info["name"] and str(folder) in command and script in command:
            yield process


@pytest.mark.slow
def test_a_job_that_the_system_kills_is_named_and_the_next_run_ends_the_same(finished, workflow):
    process = subprocess.Popen(
        workflow.command(), cwd=workflow.folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (jobs := list(running("attack.py", workflow.folder))):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)  # into its imports or its work
    jobs[0].kill()
    text, _ = process.communicate()
    assert process.returncode != 0
    named = [line for line in text.splitlines() if "the job was killed" in line]
    assert len(named) == 1
    assert named[0].startswith("logs/small/attack/lbfgs/")
    assert "memory" in named[0]
    assert workflow.run().returncode == 0
    assert workflow.tables() == finished.tables()


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "trainer",
    [
        {"method": "lbfgs", "decay": 1e-5, "tolerance": 0, "max_iterations": 2000, "history": 5},
        {"method": "adversarial_pools", "layers": "all", "pool": 200, "epochs": 200},
    ],
    ids=lambda trainer: trainer["method"],
)
def test_a_killed_training_goes_on_from_its_checkpoint_to_the_same_weights(workflow, trainer):
    workflow.config["nets"]["linear"] = {
        "model": {"method": "mlp", "hidden": [12], "activation": "sigmoid"}, "trainer": trainer,
        "train_on": "train",
    }  # fmt: skip
    workflow.config["machine"]["checkpoint_seconds"] = 0.5
    weights = "results/small/nets/linear.s0/weights.safetensors"
    ended = workflow.run(weights)
    assert ended.returncode == 0, ended.stdout
    expected = (workflow.folder / weights).read_bytes()
    (workflow.folder / weights).unlink()
    checkpoint = (workflow.folder / weights).with_name("checkpoint.pt")
    assert not checkpoint.exists()
    process = subprocess.Popen(
        workflow.command(weights), cwd=workflow.folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    ended = workflow.run(weights, "--nolock")
    assert ended.returncode == 0, ended.stdout
    log = (workflow.folder / "logs/small/train/linear.s0.log").read_text("utf-8")
    assert f"goes on from {checkpoint.relative_to(workflow.folder)}" in log
    assert (workflow.folder / weights).read_bytes() == expected
    assert not checkpoint.exists()
