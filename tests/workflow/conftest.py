import copy
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from tests.conftest import ROOT

SMALL = yaml.safe_load(Path(__file__).with_name("small.yaml").read_text("utf-8"))


def heeding():
    """Restore the signals that a shell or nohup may have made this process ignore."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


STILL = [[0, 0], [1, 0], [2, 0.1]]
"""A learning rate that is 0 for the whole of a training of one epoch."""


class Workflow:
    """The workflow in a folder of its own, with a config that tests may change."""

    env: ClassVar = {}

    def __init__(self, folder, checkout=ROOT):
        self.folder, self.checkout = folder, checkout
        self.config = copy.deepcopy(SMALL)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def results(self):
        return self.folder / "results" / self.config["run"]

    def line(self, text, after=None):
        """Return the number of a line of the config's file, of the first one after another."""
        lines = (self.folder / "my.yaml").read_text("utf-8").splitlines()
        return 1 + lines.index(text, 0 if after is None else lines.index(after))

    def command(self, *arguments):
        (self.folder / "my.yaml").write_text(yaml.safe_dump(self.config), "utf-8")
        return [
            sys.executable, "-m", "snakemake", "--snakefile", str(self.checkout / "Snakefile"),
            "--configfile", "my.yaml", "--cores", "2", *arguments,
        ]  # fmt: skip

    def run(self, *arguments, env=None):
        """Run to the end; return standard output and error as one text."""
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | (env or {}),
        )  # fmt: skip

    @contextmanager
    def begun(self, pattern, *arguments):
        """Start a run, and enter the context when it prints a line that matches a pattern.

        Yields the process, which leads a group of its own; its `said` are the lines until then.
        The group is killed at the end of the block.
        """
        process = subprocess.Popen(
            self.command(*arguments), cwd=self.folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, env=os.environ | self.env,
            preexec_fn=heeding,
        )  # fmt: skip
        try:
            process.said = []
            for line in process.stdout:
                process.said.append(line)
                if re.search(pattern, line):
                    break
            else:
                pytest.fail(f"no line with {pattern} in:\n{''.join(process.said)}")
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.stdout.close()
            process.wait()

    def jobs(self):
        """Return the numbers of jobs in a dry run, by rule."""
        text = self.run("--dry-run").stdout
        if "Nothing to be done" in text:
            return {}
        _, rule, table = text.partition("Job stats:\n")
        assert rule, text
        rows = table.splitlines()[2 : table.splitlines().index("")]
        return {name: int(count) for name, count in map(str.split, rows) if name != "total"}

    def tables(self):
        """Return the bytes of every table by path, except histories, which have wall times."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*.parquet"))
            if path.name != "history.parquet" and ".snakemake" not in path.parts
        }


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run of the small config, in a path with spaces; read-only."""
    workflow = Workflow(tmp_path_factory.mktemp("a folder") / "with spaces")
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


@pytest.fixture
def workflow(tmp_path):
    """A workflow that has not run."""
    return Workflow(tmp_path / "run")


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished run that a test may change."""
    folder = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(finished.folder), str(folder)], check=True)
    return Workflow(folder)


@pytest.fixture(scope="session")
def finished_checkout(tmp_path_factory):
    """A finished run of the small config from a checkout of its own; read-only."""
    checkout = tmp_path_factory.mktemp("checkout")
    for folder in ("blindspots", "envs", "profiles", "reports", "rules", "schemas", "scripts"):
        shutil.copytree(ROOT / folder, checkout / folder)
    shutil.copy(ROOT / "Snakefile", checkout)
    workflow = Workflow(checkout / "work", checkout)
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


@pytest.fixture
def checkout(finished_checkout, tmp_path):
    """A copy of that run and of its code that a test may change."""
    copy = tmp_path / "checkout"
    subprocess.run(["cp", "-a", str(finished_checkout.checkout), str(copy)], check=True)
    return Workflow(copy / "work", copy)
