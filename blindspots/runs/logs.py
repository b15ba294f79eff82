"""Logs of a run's jobs: how each ended, and where the time went.

A job's log ends with a line that begins with "done: " or "failed: " (jobs/job.py).
"""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

DONE = re.compile(r"done: started ([\d.]+), working from ([\d.]+) to ([\d.]+)")
WARNING = "warning: "
"""Prefix of the lines of logs that are repeated at the end of the run."""

ROOM = 2**20
"""Bytes; a disk with less free space counts as full."""

KILLED = (
    "the job was killed, by hand or by the system; if memory ran out, lower machine.chunk in "
    "the config, or run fewer jobs at a time (--resources mem_mb=…); finished jobs are kept"
)
FULL = "expected room on the disk, found none; make room and run again: finished jobs are kept"


class Job(NamedTuple):
    """When a job ran, in seconds since the epoch.

    Attributes:
        name: path of its log without the ending, such as "attack/lbfgs/FC10.s0/test".
        started: start of its process.
        begun: start of its work, after all imports.
        ended: end of its work.
    """

    name: str
    started: float
    begun: float
    ended: float

    @property
    def rule(self) -> str:
        """The job's rule."""
        return self.name.partition("/")[0]


def faults(folder: Path, since: float) -> list[str]:
    """Return a line for every job that failed or was killed.

    Args:
        folder: folder of a run's logs.
        since: when the run began; older logs are of other runs.
    """
    found = []
    for log, end in _ends(folder, since):
        if end.startswith("failed: "):
            found.append(end.removeprefix("failed: "))
        elif not DONE.fullmatch(end):
            full = shutil.disk_usage(folder).free < ROOM
            found.append(f"{log}: {FULL if full else KILLED}")
    return found


def warnings(folder: Path, since: float) -> list[str]:
    """Return the warnings of the jobs, each once.

    Args:
        folder: folder of a run's logs.
        since: when the run began; older logs are of other runs.
    """
    logs = (log.read_text("utf-8", "replace") for log in _logs(folder, since))
    lines = (line for text in logs for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line.startswith(WARNING)))


def jobs(folder: Path, since: float) -> list[Job]:
    """Return the finished jobs, in the order of their starts.

    Args:
        folder: folder of a run's logs.
        since: when the run began; older logs are of other runs.
    """
    found = []
    for log, end in _ends(folder, since):
        if times := DONE.fullmatch(end):
            name = log.relative_to(folder).with_suffix("").as_posix()
            found.append(Job(name, *map(float, times.groups())))
    return sorted(found, key=lambda job: job.started)


def _ends(folder: Path, since: float) -> Iterator[tuple[Path, str]]:
    for log in _logs(folder, since):
        yield log, log.read_text("utf-8", "replace").strip().rpartition("\n")[2]


def _logs(folder: Path, since: float) -> list[Path]:
    return [log for log in sorted(folder.rglob("*.log")) if log.stat().st_mtime >= since]


def shares(jobs: Sequence[Job], since: float, until: float) -> dict[tuple[str, str], float]:
    """Split the wall time of a run, in seconds, by rule and phase.

    A second in which several jobs run is divided equally among them; one without a job counts as
    Snakemake's. So the seconds add up to the whole wall time.

    Args:
        jobs: jobs of the run.
        since: when the run began.
        until: when it ended.

    Returns:
        Seconds by (rule, "start" or "work"), and by ("snakemake", "work") those without a job.
    """
    changes: dict[float, Counter] = defaultdict(Counter)  # by how many more run from a time on
    for job in jobs:
        for phase, times in (("start", job[1:3]), ("work", job[2:4])):
            if times[0] >= times[1]:  # of two clocks
                continue
            for time, more in zip(times, (1, -1), strict=True):
                changes[min(max(time, since), until)][job.rule, phase] += more
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    running: Counter = Counter()
    for begin, end in pairwise(sorted({since, until, *changes})):
        running.update(changes[begin])
        running += Counter()  # without those of which none runs
        for key, n in (running or {("snakemake", "work"): 1}).items():
            seconds[key] += (end - begin) * n / max(running.total(), 1)
    return dict(seconds)


def times(jobs: Sequence[Job], since: float, until: float) -> str:
    """Return `shares` as a Markdown table, with a row per rule in the order of their first jobs.

    Args:
        jobs: jobs of the run.
        since: when the run began.
        until: when it ended.
    """
    found = shares(jobs, since, until)
    lines = ["| rule | jobs | start-up, s | work, s |", "| --- | ---: | ---: | ---: |"]
    for rule in dict.fromkeys(job.rule for job in jobs):
        count = sum(job.rule == rule for job in jobs)
        start, work = (found.get((rule, phase), 0.0) for phase in ("start", "work"))
        lines.append(f"| {rule} | {count} | {start:.1f} | {work:.1f} |")
    starts, works = (
        sum(s for (rule, p), s in found.items() if p == phase and rule != "snakemake")
        for phase in ("start", "work")
    )
    idle = found.get(("snakemake", "work"), 0.0)
    lines.append(f"| all jobs | {len(jobs)} | {starts:.1f} | {works:.1f} |")
    lines.append(f"| Snakemake, no job running | | | {idle:.1f} |")
    lines.append(f"| **in all** | | | **{until - since:.1f}** |")
    return "\n".join(lines)


def summary(jobs: Sequence[Job], since: float, until: float) -> str:
    """Summarise a run in a line: number of jobs, wall time and its parts, the slowest jobs."""
    found = shares(jobs, since, until)
    starts = sum(seconds for (_, phase), seconds in found.items() if phase == "start")
    idle = found.get(("snakemake", "work"), 0.0)
    work = until - since - starts - idle
    slowest = sorted(jobs, key=lambda job: job.started - job.ended)[:3]
    named = ", ".join(f"{job.name} {job.ended - job.started:.0f} s" for job in slowest)
    return (
        f"{len(jobs)} jobs in {until - since:.0f} s (work {work:.0f} s, start-up of jobs "
        f"{starts:.0f} s, Snakemake {idle:.0f} s); the slowest: {named}"
    )
