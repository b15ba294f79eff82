"""Run the workflow in forks of a process that has imported everything, in a fraction of the time.

`python -m tests.workflow.warm` reads a line of JSON for each run, [folder, log, arguments of
Snakemake], and answers with a line, its exit status. Runs and their jobs are forks: none sees what
another leaves in memory.
"""

import gc
import json
import os
import runpy
import subprocess
import sys
import traceback
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from snakemake.benchmark import benchmarked

IMPORTED = (
    "torch", "seaborn", "pandas", "scipy.optimize", "pyarrow.parquet", "sklearn.datasets", "jinja2",
    "snakemake.cli", "snakemake.script", "snakemake.executors.local", "snakemake.workflow",
    "blindspots.files.weights", "blindspots.attacks", "blindspots.bounds.networks",
    "blindspots.measurements.transfer", "blindspots.report.page", "blindspots.optim.compiled",
)  # fmt: skip


class Warm:
    """The process; it starts with the first run."""

    def __init__(self, root):
        self.root, self.process = root, None

    def begin(self, folder, log, *arguments):
        """Start Snakemake in a folder, with its output in a file."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.workflow.warm"], cwd=self.root, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.root)},
            )  # fmt: skip
        request = json.dumps([str(folder), str(log), list(map(str, arguments))])
        self.process.stdin.write(f"{request}\n")
        self.process.stdin.flush()

    def end(self):
        """Wait until the run has ended, and return its exit status."""
        return int(self.process.stdout.readline())

    def close(self):
        if self.process is not None:
            self.process.communicate()


def in_a_fork(work, record=None):
    """Call a function in a fork of this process, and return its exit status, 1 after an error.

    Args:
        work: function to call.
        record: Snakemake's benchmark record of the fork's time and memory.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        with benchmarked(pid, record) if record else nullcontext():
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        work()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def workflow(folder, log, arguments):
    """Run Snakemake with forks as jobs instead of new processes."""
    from snakemake import cli
    from snakemake.script import PythonScript

    def execute(script, fname, edit=False):
        job = partial(runpy.run_path, fname, run_name="__main__")
        status = in_a_fork(job, script.bench_record)
        if status:
            raise subprocess.CalledProcessError(status, fname)

    os.chdir(folder)
    sys.path.insert(0, folder)  # as `python -m` has it
    with Path(log).open("w") as opened:
        for number in (1, 2):
            os.dup2(opened.fileno(), number)
    PythonScript.execute_script = execute
    cli.main(arguments)


def serve():
    for name in IMPORTED:
        __import__(name)
    gc.freeze()  # forks do not copy memory that their collector does not touch
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # only answers go to the asking process
    for line in sys.stdin:
        folder, log, arguments = json.loads(line)
        status = in_a_fork(partial(workflow, folder, log, arguments))
        print(status, file=answers, flush=True)


if __name__ == "__main__":
    serve()
