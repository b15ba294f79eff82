"""Jobs that are forks behave like scripts that run alone."""

import json
import os
import signal
import subprocess
import sys
from multiprocessing import get_all_start_methods

import pytest

from blindspots.jobs.warm import THREADS, Warm, imported
from tests.conftest import ROOT

TELL = """
import atexit, json, multiprocessing, os, random, signal, sys, tempfile
import numpy
from pathlib import Path

here = Path(sys.argv[0])
if here.name == "killed.py":
    os.kill(os.getpid(), signal.SIGKILL)
if here.name == "ended.py":
    sys.exit("no such image")
told = {
    "name": __name__, "path": str(here), "arguments": sys.argv[1:], "folder": os.getcwd(),
    "pid": os.getpid(), "parent": os.getppid(), "drawn": [random.random(), numpy.random.rand()],
    "threads": [os.environ[name] for name in json.loads(os.environ["NAMES"])],
    "temporary": tempfile.gettempdir(), "imported": sorted(sys.modules),
    "method": multiprocessing.get_start_method(),
    "interrupt": signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
}
atexit.register(here.with_suffix(".json").write_text, json.dumps(told))
"""
PARENT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from blindspots.jobs.warm import Warm

def main():
    scripts, temporary = sys.argv[1:-1], sys.argv[-1]
    warm = Warm(["json", "numpy", "no_such_module", "json.no_such_name"], 3)
    jobs = [warm.begin(script, temporary) for script in scripts]
    ended = [warm.end(job) for job in jobs]

    def several(script):
        return [warm.end(warm.begin(script, temporary)) for _ in range(8)]

    with ThreadPoolExecutor(4) as pool:
        print(json.dumps([ended, *pool.map(several, scripts)]))

if __name__ == "__main__":
    main()
"""
RIVAL = """
import sys
from multiprocessing import process
from blindspots.jobs import warm

def main():
    server, waited = warm.Warm([], 1), warm.wait
    job = server.begin(sys.argv[1])

    def wait(*given):
        found = waited(*given)
        process._cleanup()  # as a thread that starts a process at this moment
        return found

    warm.wait = wait
    print(server.end(job))

if __name__ == "__main__":
    main()
"""
NAMES = ["first", "second", "ended", "killed"]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Outputs and exit statuses of four jobs that a separate process started."""
    folder = tmp_path_factory.mktemp("a folder")
    scripts = [folder / f"{name}.py" for name in NAMES]
    for script in scripts:
        script.write_text(TELL, "utf-8")
    (folder / "temporary").mkdir()
    (folder / "parent.py").write_text(PARENT, "utf-8")
    ended = subprocess.run(
        [sys.executable, folder / "parent.py", *scripts, folder / "temporary"], cwd=folder,
        capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NAMES": json.dumps(THREADS)},
        # Jobs react to Ctrl-C if the run does; a run in the background of a script does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    told = [json.loads(script.with_suffix(".json").read_text("utf-8")) for script in scripts[:2]]
    return folder, told, json.loads(ended.stdout), ended.stderr


def test_a_job_runs_as_a_script_by_itself(told):
    folder, jobs, _, _ = told
    for name, job in zip(NAMES, jobs, strict=False):
        path = str(folder / f"{name}.py")
        assert (job["name"], job["path"], job["arguments"]) == ("__main__", path, [])
        assert (job["folder"], job["temporary"]) == (str(folder), str(folder / "temporary"))
        assert job["interrupt"]


def test_processes_that_a_job_starts_are_those_of_a_script_by_itself(told):
    _, jobs, _, _ = told
    assert {job["method"] for job in jobs} == {get_all_start_methods()[0]}  # the default is first


def test_jobs_are_processes_of_their_own_that_draw_numbers_of_their_own(told):
    _, (first, second), _, _ = told
    assert first["pid"] != second["pid"] and first["parent"] == second["parent"]
    assert all(a != b for a, b in zip(first["drawn"], second["drawn"], strict=True))


def test_libraries_compute_with_as_many_threads_as_are_asked_for(told):
    _, jobs, _, _ = told
    assert all(job["threads"] == ["3"] * len(THREADS) for job in jobs)


def test_how_a_job_ended_is_told_and_harms_no_other(told):
    _, _, ended, said = told
    expected = [0, 0, 1, -signal.SIGKILL]
    assert ended[0] == expected
    assert ended[1:] == [[status] * 8 for status in expected]  # of threads side by side
    assert "no such image" in said and "Traceback" not in said


def test_a_scripts_imports_are_those_of_its_first_level(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os.path\nfrom a.b import c, d\nfrom . import e\ndef late():\n    import torch\n"
    )
    assert imported(script) == ["os.path", "a.b", "a.b.c", "a.b.d"]


def test_the_environment_of_the_one_who_asks_stays_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: None)
    Warm([], 2)
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ


def test_a_thread_that_starts_a_job_as_another_ends_takes_nothing_from_it(tmp_path):
    (tmp_path / "job.py").write_text("", "utf-8")
    (tmp_path / "rival.py").write_text(RIVAL, "utf-8")
    ended = subprocess.run(
        [sys.executable, tmp_path / "rival.py", tmp_path / "job.py"], capture_output=True,
        text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.stdout == "0\n"
