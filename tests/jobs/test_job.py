"""Failed jobs end with one line that names the code or the input at fault."""

import errno
import importlib
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from blindspots.audit.files import AuditError
from blindspots.interface import InputError
from blindspots.jobs.ledger import LedgerError
from blindspots.own_code import our_line, own_line
from blindspots.runs import logs
from tests.conftest import ROOT

SCRIPTS = f"{ROOT}/rules/../scripts"
"""The scripts' folder as Snakemake writes it."""


@pytest.fixture(scope="module")
def job():
    """The context `job`, imported as Snakemake's scripts import it."""
    before = signal.getsignal(signal.SIGINT)
    found = importlib.import_module("blindspots.jobs.job").job
    signal.signal(signal.SIGINT, before)
    yield found
    del sys.modules["blindspots.jobs.job"]


@pytest.fixture
def ended(job, tmp_path):
    """A function that runs a job around `work`, and returns its last message and the log."""

    def run(work, config=None):
        log = tmp_path / "attack.log"
        given = SimpleNamespace(scriptdir=SCRIPTS, log=[str(log)], config=config or {})
        script = compile("with job(given):\n    work()", f"{SCRIPTS}/attack.py", "exec")
        with pytest.raises(SystemExit) as end:
            exec(script, {"job": job, "given": given, "work": work})
        printed = end.value.code.encode(errors="backslashreplace").decode()
        assert logs.faults(tmp_path, since=0) == [printed]
        assert len(end.value.code.splitlines()) == 1
        said = end.value.code.removeprefix(f"{log}: ").removesuffix(str(log))
        return said, log.read_text("utf-8")

    return run


def of(path, text="raise KeyError('gone')", line=12):
    """Return a function that raises an error at a line of a file."""
    names = {}
    source = "\n" * (line - 2) + f"def work(*given):\n    {text}\n"
    exec(compile(source, str(path), "exec"), names)
    return names["work"]


def caught(work, *given):
    """Return the error of a call, without this file's frame."""
    try:
        work(*given)
    except Exception as error:
        return error.with_traceback(error.__traceback__.tb_next)


@pytest.fixture
def own(tmp_path):
    """A user's file."""
    path = tmp_path / "my_lab.py"
    path.write_text("", "utf-8")
    return path


@pytest.mark.parametrize(
    "path",
    [
        ROOT / "blindspots/threat/goals.py",
        f"{ROOT}/blindspots/jobs/job.py",
        "<string>",
        "<frozen importlib._bootstrap>",
        signal.__file__,
        pytest.__file__,
    ],
    ids=str,
)
def test_code_of_the_project_of_packages_and_of_python_is_not_the_users(path):
    assert own_line(caught(of(path))) is None


def test_a_checkout_that_a_link_names_is_still_the_projects(tmp_path):
    (tmp_path / "link").symlink_to(ROOT)
    error = caught(of(tmp_path / "link/blindspots/threat/goals.py"))
    assert own_line(error) is None
    assert our_line(error) == f"{tmp_path}/link/blindspots/threat/goals.py, line 12"


def test_snakemakes_copy_of_a_script_is_the_projects(tmp_path):
    copy = tmp_path / ".snakemake/scripts/tmpx.attack.py"
    copy.parent.mkdir(parents=True)
    copy.write_text("")
    assert own_line(caught(of(copy))) is None
    assert our_line(caught(of(copy))) == f"{copy}, line 12"


def test_the_users_line_is_named_where_it_calls_or_is_called(own):
    ours, theirs = ROOT / "blindspots/threat/goals.py", f"{own}, line 12"
    called = caught(of(ours, "given[0]()"), of(own))
    calls = caught(of(own, "given[0]()"), of(signal.__file__))
    through_text = caught(of(own, "given[0]()"), of("<string>"))
    assert own_line(called) == own_line(calls) == own_line(through_text) == theirs


def test_a_file_of_the_users_that_is_no_python_is_named_though_it_never_ran(own, monkeypatch):
    (own.parent / "broken_helper.py").write_text("x = (\n\n\n")
    monkeypatch.syspath_prepend(own.parent)
    error = caught(of(ROOT / "blindspots/config/methods.py", "import broken_helper"))
    assert own_line(error) == f"{own.parent}/broken_helper.py, line 1"


def test_the_users_code_may_lie_below_the_prefix_of_python(own, monkeypatch):
    monkeypatch.setattr(sys, "base_prefix", str(own.parent))  # such as /usr, above /usr/src/app
    monkeypatch.setattr(sys, "prefix", str(own.parent))
    assert own_line(caught(of(own))) == f"{own}, line 12"


def test_a_fault_of_the_program_is_said_as_one_with_what_to_send(ended):
    said, log = ended(of(ROOT / "blindspots/threat/goals.py"))
    assert said == (
        f"{ROOT}/blindspots/threat/goals.py, line 12: expected no fault of the program, found "
        "KeyError: 'gone'; report it with the config; the traceback is in "
    )
    assert "Traceback" in log


def test_a_method_whose_answer_may_have_brought_it_up_is_named(ended):
    config = {
        "nets": {"a": {"model": {"method": "my_lab:net"}}, "b": {"model": {"method": "mlp"}}},
        "tables": {"t": {"method": "my_lab:net", "panels": [{"method": "my_lab:panel"}]}},
    }
    said, _ = ended(of(ROOT / "blindspots/threat/goals.py"), config)
    assert "; unless it comes of what my_lab:net, my_lab:panel returned; report it" in said


@pytest.mark.parametrize("text", ["raise KeyError('gone')", "raise SystemExit(3)"])
def test_an_error_in_the_users_code_is_said_with_its_line(ended, own, text):
    said, log = ended(of(own, text))
    assert said.startswith(f"{own}, line 12: your code ended with ")
    assert said.endswith("; correct it; the traceback is in ")
    assert "Traceback" in log


@pytest.mark.parametrize("kind", [InputError, LedgerError, AuditError])
def test_bad_input_and_what_a_run_found_are_said_as_they_are(ended, own, kind):
    def work():
        raise kind("expected this,\nfound that")

    said, log = ended(work)
    assert said == "expected this, found that"
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError("too much"), "expected more memory than there is (too much); lower machine."),
        (OSError(errno.ENOSPC, "No space left"), "expected room on the disk, found none"),
    ],
)
def test_too_little_memory_and_a_full_disk_are_nobodys_fault(ended, error, told):
    def work():
        raise error

    said, log = ended(work)
    assert said.startswith(told)
    assert "Traceback" not in log


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.ENFILE])
def test_a_file_that_cannot_be_opened_is_no_fault_of_the_program(ended, number):
    raising = f"raise OSError({number}, 'Denied', 'x')"
    said, _ = ended(of(ROOT / "blindspots/threat/goals.py", raising))
    found = f"[Errno {number}] Denied: 'x'"
    assert said == f"expected files that can be opened, found one that cannot ({found})"


def test_the_log_stays_where_it_is_when_a_users_code_changes_the_folder(job, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with job(SimpleNamespace(scriptdir=SCRIPTS, log=["own.log"], config={})):
        monkeypatch.chdir(tmp_path / "elsewhere")
    assert (tmp_path / "own.log").read_text("utf-8").startswith("done: ")


def test_a_log_takes_what_no_encoding_has(ended):
    def work():
        raise InputError("found a file called \udce9")

    assert ended(work)[1].endswith("found a file called \\udce9\n")


SPAWNING = """
import multiprocessing, sys
from types import SimpleNamespace
from blindspots.jobs.job import job

snakemake = SimpleNamespace(scriptdir=sys.argv[1], log=["log"], config={})
with job(snakemake):
    process = multiprocessing.get_context("spawn").Process(target=print, args=("spawned",))
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


def test_a_process_that_a_users_code_spawns_does_not_run_the_script_again(tmp_path):
    (tmp_path / "script.py").write_text(SPAWNING, "utf-8")
    ended = subprocess.run(
        [sys.executable, "script.py", SCRIPTS], cwd=tmp_path, capture_output=True, text=True,
        check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "spawned" in ended.stdout.splitlines(), ended.stderr
    assert "SystemExit: 0" in (tmp_path / "log").read_text("utf-8")
