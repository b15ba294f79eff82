"""What breaks on the way, and how a run ends or goes on after it."""

import os
import random
import shutil
import signal
import subprocess

import pytest

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
