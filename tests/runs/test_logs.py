import os
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindspots.runs import logs
from blindspots.runs.logs import Job

JOBS = [Job("train/a", 2, 4, 10), Job("train/b", 4, 6, 8), Job("report", 12, 13, 14)]


def test_a_runs_shares_add_up_to_its_wall_time_and_split_what_jobs_ran_in_together():
    found = logs.shares(JOBS, 0, 15)
    assert found == {
        ("snakemake", "work"): 2 + 2 + 1,
        ("train", "start"): 2 + 1,  # a alone, then b at the same time
        ("train", "work"): 1 + 2 + 2,
        ("report", "start"): 1,
        ("report", "work"): 1,
    }
    assert sum(found.values()) == 15


times = st.integers(0, 12)
jobs = st.builds(
    lambda name, at: Job(name, *at),
    st.sampled_from(["train/a", "train/b", "report"]),
    st.tuples(times, times, times),
)


@given(st.lists(jobs, max_size=6), st.tuples(times, times).map(sorted))
def test_shares_are_those_of_every_stretch_between_two_changes(found, within):
    since, until = within
    phases = [(job.rule, "start", job.started, job.begun) for job in found]
    phases += [(job.rule, "work", job.begun, job.ended) for job in found]
    ends = {since, until, *(time for phase in phases for time in phase[2:])}
    expected = defaultdict(float)
    for begin, end in pairwise(sorted(time for time in ends if since <= time <= until)):
        running = [phase[:2] for phase in phases if phase[2] <= begin and end <= phase[3]]
        for key in running or [("snakemake", "work")]:
            expected[key] += (end - begin) / max(len(running), 1)
    shares = logs.shares(found, since, until)
    assert shares == pytest.approx(dict(expected))
    assert sum(shares.values()) == pytest.approx(until - since)


def test_the_table_and_the_line_say_so():
    rows = logs.times(JOBS, 0, 15).splitlines()
    assert rows[2:] == [
        "| train | 2 | 3.0 | 5.0 |",
        "| report | 1 | 1.0 | 1.0 |",
        "| all jobs | 3 | 4.0 | 6.0 |",
        "| Snakemake, no job running | | | 5.0 |",
        "| **in all** | | | **15.0** |",
    ]
    assert logs.summary(JOBS, 0, 15) == (
        "3 jobs in 15 s (work 6 s, start-up of jobs 4 s, Snakemake 5 s); "
        "the slowest: train/a 8 s, train/b 4 s, report 2 s"
    )


@pytest.fixture
def folder(tmp_path):
    def write(name, text, when=100.0):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
        os.utime(tmp_path / name, (when, when))

    write("train/a.log", "10 iterations\ndone: started 90.00, working from 92.50 to 99.00\n")
    write("train/b.log", "Traceback …\nfailed: train b: expected this, found that\n")
    write("train/c.log", "10 iterations\n")
    write("train/old.log", "failed: train old: in another run\n", when=50.0)
    return tmp_path


def test_what_failed_and_what_was_killed_have_a_line_each(folder):
    failed, killed = logs.faults(folder, since=80)
    assert failed == "train b: expected this, found that"
    assert killed.startswith(f"{folder}/train/c.log: the job was killed")


def test_warnings_are_lines_of_this_runs_logs_each_once(folder):
    log = folder / "train/a.log"
    log.write_text("warning: of a\nwarning: of a\na warning: none\ndone: x\n", "utf-8")
    os.utime(log, (100.0, 100.0))
    (folder / "train/old.log").write_text("warning: of another run\n", "utf-8")
    os.utime(folder / "train/old.log", (50.0, 50.0))
    assert logs.warnings(folder, since=80) == ["warning: of a"]


def test_only_what_was_done_has_times(folder):
    assert logs.jobs(folder, since=80) == [Job("train/a", 90.0, 92.5, 99.0)]


def test_a_log_that_is_no_utf_8_still_says_how_its_job_ended(folder):
    (folder / "train/c.log").write_bytes(b"printed by a library: \xe9\nfailed: c: \xe9 here\n")
    os.utime(folder / "train/c.log", (100.0, 100.0))
    assert "c: \N{REPLACEMENT CHARACTER} here" in logs.faults(folder, since=80)
