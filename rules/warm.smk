# Jobs on this machine are forks of a process that has imported the modules of their scripts (blindspots/jobs/warm.py);
# nothing else about them changes. They start without it if Snakemake deploys an environment, if a cluster runs them, if
# there are only a few of them, and with --no-hooks.
import multiprocessing
import subprocess

from snakemake.benchmark import BenchmarkRecord, benchmarked
from snakemake.script import PythonScript

from blindspots.jobs.warm import Warm, imported

FEW = 3  # jobs, too few to justify the start of that process


def start_warm():
    """Make the jobs of this run start warm; call this when the jobs are known."""
    scripts = [
        Path(job.rule.basedir.get_path_or_uri(secret_free=False), job.rule.script)
        for job in workflow.dag.needrun_jobs()
        if job.is_script
    ]
    here = workflow.local_exec and not (workflow.remote_exec or workflow.subprocess_exec)
    deployed = workflow.deployment_settings.deployment_method
    alone = PythonScript.execute_script
    if len(scripts) <= FEW or not here or deployed or alone.__module__ != PythonScript.__module__:
        return
    modules = ["snakemake.script", "snakemake.cli"]  # which every job imports, too
    modules += [module for script in sorted({*scripts}) for module in imported(script)]
    multiprocessing.set_executable(shlex.split(sys.executable)[0])
    warm = Warm(dict.fromkeys(modules), THREADS)

    def execute(script, fname, edit=False):
        if edit or script.shadow_dir or script.threads != warm.threads:
            return alone(script, fname, edit)
        job = warm.begin(fname, script.resources.get("tmpdir"))
        with benchmarked(job.pid, script.bench_record or BenchmarkRecord()):
            status = warm.end(job)
        if status:
            raise subprocess.CalledProcessError(status, fname)

    PythonScript.execute_script = execute
