"""Real runs through the command `blindspots`, from a folder with spaces."""

import os
import shutil
import signal
import subprocess
import sys
from typing import ClassVar

import pytest

from tests.conftest import ROOT
from tests.workflow.conftest import Workflow


class Command(Workflow):
    """A workflow that `blindspots run my.yaml` starts."""

    env: ClassVar = {"PYTHONPATH": str(ROOT)}

    def command(self, *arguments, name="run"):
        super().command()  # writes the config
        return [sys.executable, "-m", "blindspots", name, "my.yaml", *arguments]

    def give(self, name, *arguments):
        """Run a command to its end, in the workflow's folder."""
        return subprocess.run(
            self.command(*arguments, name=name), cwd=self.folder, text=True, check=False,
            env=os.environ | self.env, capture_output=True,
        )  # fmt: skip


WAITS = """
import signal, sys
from pathlib import Path
from blindspots.interface import Status

def train(model, images, labels):
    if not Path("go on").exists():
        print("training has begun", file=sys.__stderr__, flush=True)
        signal.pause()
    return [{"iteration": 0, "seconds": 0.0}], Status.CONVERGED
"""


@pytest.fixture
def tiny(tmp_path):
    """One linear net that is attacked and shown its images; its training waits to be stopped."""
    made = Command(tmp_path / "a {folder} [it's]")
    config = made.config
    config["nets"] = {"linear": config["nets"]["linear"] | {"trainer": {"method": "lab:train"}}}
    (made.folder / "lab.py").write_text(WAITS)
    config["experiments"]["both"].update(sources=["linear"], victims=["linear"], amplify=[], n=5)
    config["tables"] = {"errors": config["tables"]["errors"]}
    config["figures"] = {}
    return made


BEGUN = "training has begun"


@pytest.mark.parametrize(
    ("number", "send"),
    [
        (signal.SIGINT, os.killpg),  # as a terminal does on Ctrl-C
        (signal.SIGINT, os.kill),  # as a supervisor does
        (signal.SIGTERM, os.kill),
        (signal.SIGHUP, os.killpg),  # as a closed terminal does
    ],
)
def test_stopped_a_run_ends_as_such_and_leaves_no_locks(tiny, number, send):
    with tiny.begun(BEGUN, "--cores", "1") as process:
        send(process.pid, number)
        text = process.stdout.read()
        assert process.wait() == 128 + number, text
    told = text.splitlines()[-1]
    assert told.startswith("Interrupted. Finished jobs are kept; to go on: ")
    assert told.endswith("-m blindspots run my.yaml")
    assert "Traceback" not in text
    assert not list((tiny.folder / ".snakemake").glob("locks/*"))


def test_stopped_a_run_goes_on_where_it_was(tiny):
    with tiny.begun(BEGUN, "--cores", "1") as process:
        os.kill(process.pid, signal.SIGINT)
        process.stdout.read()
        process.wait()
    prepared = tiny.folder / "resources/digits/train.parquet"
    before = prepared.stat().st_mtime_ns
    (tiny.folder / "go on").touch()
    ended = tiny.give("run")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == f"The report: {tiny.results / 'report.html'}"
    assert prepared.stat().st_mtime_ns == before


@pytest.fixture
def done(finished, tmp_path):
    """A copy of the finished run."""
    folder = tmp_path / "a copy"
    subprocess.run(["cp", "-a", str(finished.folder), str(folder)], check=True)
    return Command(folder)


def test_a_run_that_is_done_does_nothing_and_names_its_report(done):
    ended = done.give("run")
    assert ended.returncode == 0, ended.stderr
    assert "Nothing to be done" in ended.stderr
    assert ended.stdout == f"The report: {done.results / 'report.html'}\n"


def test_a_dry_run_counts_jobs_and_runs_none(done):
    shutil.rmtree(done.results / "tables")
    ended = done.give("run", "--dry-run", "--gpu", "1")
    assert ended.returncode == 0, ended.stderr
    assert "Nothing was run. To run it: " in ended.stdout
    assert not (done.results / "tables").exists()


def test_options_after_two_dashes_are_snakemakes(done):
    ended = done.give("run", "--", "--summary")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("output_file")


def test_a_failed_run_ends_with_snakemakes_status(done):
    done.config["experiments"]["both"]["n"] = 500
    ended = done.give("run")
    assert ended.returncode == 1
    assert "expected n to be at most 360" in ended.stderr
    assert "is locked" not in ended.stderr


def test_a_folder_that_a_killed_run_left_locked_is_said_with_the_remedy_which_works(done):
    locks = done.folder / ".snakemake/locks"
    locks.mkdir()
    for kind in ("input", "output"):
        (locks / f"0.{kind}.lock").write_text("results/small/report.html\n")
    ended = done.give("run", "--", "--forcerun", "report")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("my.yaml -- --unlock, and then again without")
    assert done.give("run", "--", "--unlock").returncode == 0
    assert done.give("run").returncode == 0


def test_a_missing_report_is_made_from_the_results_alone(done):
    (done.results / "report.html").unlink()
    shutil.rmtree(done.results / "certificates")  # not needed for it
    ended = done.give("report", "--snakemake", "theirs.zip")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        f"The report: {done.results / 'report.html'}",
        f"Snakemake's report: {done.folder / 'theirs.zip'}",
    ]
    assert (done.results / "report.html").exists()
    assert (done.folder / "theirs.zip").exists()
    assert not (done.results / "certificates").exists()


def test_a_report_that_was_emptied_or_cut_off_is_made_again(done):
    report = done.results / "report.html"
    whole = report.read_bytes()
    for left in (0, 5000):
        report.write_bytes(whole[:left])
        ended = done.give("report")
        assert ended.returncode == 0, ended.stderr
        assert report.read_bytes().rstrip().endswith(b"</html>")


def test_a_report_that_cannot_be_made_says_why_in_a_line(done):
    (done.results / "report.html").unlink()
    table = done.results / "tables/errors.parquet"
    table.write_bytes(table.read_bytes()[:100])
    ended = done.give("report")
    assert ended.returncode == 1
    (told,) = ended.stderr.splitlines()
    assert told.startswith("logs/small/report.log: results/small/tables/errors.parquet: expected")


def test_a_profile_of_another_workflow_in_the_folder_is_left_alone(done):
    profile = done.folder / "profiles/default/config.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text("rerun-triggers: [input]\nforceall: true\n")
    ended = done.give("run")
    assert ended.returncode == 0, ended.stderr
    assert "Nothing to be done" in ended.stderr
    assert f"profile {ROOT / 'profiles/default'} " in ended.stderr


def test_a_report_without_results_names_what_is_missing_and_the_remedy(done):
    shutil.rmtree(done.results / "tables")
    (done.results / "report.html").unlink()
    ended = done.give("report")
    assert ended.returncode == 1
    (told,) = ended.stderr.splitlines()
    assert told.startswith("results/small/tables/")
    assert "expected the results of a finished run, found none; make them by " in told
