"""A real Slurm with one node, in a folder of its own, run by root without systemd.

It writes nothing outside that folder, so that several may run at once, beside a machine's own.
"""

import os
import shlex
import shutil
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

PROGRAMS = (
    "munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "setpriv", "unshare",
)  # fmt: skip
ALONE = (
    "setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--mount-proc", "--fork", "--kill-child",
)  # fmt: skip
"""Command that runs another, and kills all that it has started when the caller ends or kills it."""
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
DefMemPerCPU=500
MinJobAge=600
AccountingStorageType=accounting_storage/none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:test:{gpus}
PartitionName=all Nodes={host} Default=YES MaxTime=1-00:00:00 DefaultTime=00:10:00 State=UP
"""


def missing():
    """Return the reason why Slurm cannot be started here; empty if it can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: slurm-wlm munge util-linux)"
    if os.geteuid() != 0:
        return "only root may start Slurm's daemons"
    tried = subprocess.run([*ALONE, "true"], capture_output=True, text=True, check=False)
    return f"no process namespace of its own: {tried.stderr.strip()}" if tried.returncode else ""


def free_ports(count):
    """Return ports of 127.0.0.1 that nothing listens to."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Slurm:
    """Slurm while the context lasts; its GPUs are devices that cannot compute.

    `env` are the variables with which Slurm's programs reach it.
    """

    def __init__(self, folder, gpus=2):
        self.folder, self.gpus, self.started = Path(folder), gpus, []
        self.env = {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }

    def __enter__(self):
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        host, memory = socket.gethostname().split(".")[0], os.sysconf("SC_PHYS_PAGES") * 4 // 1024
        values = {
            "host": host, "folder": self.folder, "gpus": self.gpus, "cpus": os.cpu_count(),
            "memory": int(memory * 0.9), "ports": free_ports(2),
        }  # fmt: skip
        devices = [self.folder / f"gpu{i}" for i in range(self.gpus)]
        for device in devices:
            os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))  # as /dev/null
        gres = f"NodeName={host} Name=gpu Type=test File={self.folder}/gpu[0-{self.gpus - 1}]\n"
        for name, text in (("slurm.conf", CONF.format(**values)), ("gres.conf", gres)):
            (self.folder / name).write_text(text)
        self._write_srun()
        try:
            self._start_munge()
            self._start("slurmctld", "-D", "-c", ready="Running as primary controller")
            self._start("slurmd", "-D", "-c", ready="slurmd started on")
            # Granted once the node is registered and idle.
            self.ask("srun", "--ntasks=1", "true")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _write_srun(self):
        """Write an srun that finds this Slurm, since Snakemake drops SLURM_CONF within a job."""
        path = self.folder / "bin/srun"
        conf, srun = map(shlex.quote, (self.env["SLURM_CONF"], shutil.which("srun")))
        path.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {srun} "$@"\n')
        path.chmod(0o755)

    def _start_munge(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        files = {"key-file": key, "pid-file": self.folder / "munged.pid"}
        files |= {"socket": self.folder / "munge.socket", "seed-file": self.folder / "munge.seed"}
        options = [f"--{name}={path}" for name, path in files.items()]
        self._start("munged", "--foreground", "--force", *options, ready="Created")

    def _start(self, *command, ready):
        """Start a daemon in the foreground, and return when it says that it is ready."""
        process = subprocess.Popen(
            [*ALONE, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=os.environ | self.env,
        )  # fmt: skip
        said = []
        for line in process.stderr:
            said.append(line)
            if ready in line:
                break
        reading = Thread(target=process.stderr.read)  # an unread pipe would block it
        reading.start()
        self.started.append((process, reading))
        assert any(ready in line for line in said), "".join(said)

    def __exit__(self, *_):
        for process, reading in reversed(self.started):
            process.kill()
            process.wait()
            reading.join()
            process.stderr.close()

    def ask(self, *command):
        """Return what a program of Slurm prints."""
        return subprocess.run(
            command, cwd=self.folder, env=os.environ | self.env, text=True, check=True,
            stdout=subprocess.PIPE,
        ).stdout  # fmt: skip
