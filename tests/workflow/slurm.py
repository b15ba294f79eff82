"""A real Slurm with one node, in a folder of its own, run by root without systemd."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from threading import Thread

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
DAEMONS = {"slurmctld": "Running as primary controller", "slurmd": "slurmd started on"}
"""Text that each daemon writes to standard error when it is ready."""
SYSTEM = Path("/etc/slurm")  # place where programs in a job look for slurm.conf
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
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
        return f"{', '.join(absent)} not installed (Debian: slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "only root may start Slurm's daemons"


class Slurm:
    """Slurm while the context lasts; its GPUs are devices that cannot compute."""

    def __init__(self, folder, gpus=2):
        self.folder, self.gpus, self.started = Path(folder), gpus, []

    def __enter__(self):
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        self._start_munge()
        host, memory = socket.gethostname().split(".")[0], os.sysconf("SC_PHYS_PAGES") * 4 // 1024
        values = {
            "host": host, "folder": self.folder, "gpus": self.gpus, "cpus": os.cpu_count(),
            "memory": int(memory * 0.9),
        }  # fmt: skip
        devices = [self.folder / f"gpu{i}" for i in range(self.gpus)]
        for device in devices:
            os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))  # as /dev/null
        gres = f"NodeName={host} Name=gpu Type=test File={self.folder}/gpu[0-{self.gpus - 1}]\n"
        SYSTEM.mkdir(exist_ok=True)
        for name, text in (("slurm.conf", CONF.format(**values)), ("gres.conf", gres)):
            (self.folder / name).write_text(text)
            assert not (SYSTEM / name).exists(), f"{SYSTEM / name} belongs to another Slurm"
            (SYSTEM / name).unlink(missing_ok=True)
            (SYSTEM / name).symlink_to(self.folder / name)
        for daemon, ready in DAEMONS.items():
            self.started.append(self._start(daemon, ready))
        # Granted once the node is registered and idle.
        subprocess.run(["srun", "--ntasks=1", "true"], check=True, cwd=self.folder)
        return self

    def _start(self, daemon, ready):
        """Start a daemon in the foreground, and return when it is ready."""
        command = [daemon, "-D", "-c", "-f", str(self.folder / "slurm.conf")]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        said = []
        for line in process.stderr:
            said.append(line)
            if ready in line:
                break
        else:
            raise AssertionError("".join(said))
        reading = Thread(target=process.stderr.read)  # an unread pipe would block it
        reading.start()
        return process, reading

    def __exit__(self, *_):
        for name in ("slurm.conf", "gres.conf"):
            (SYSTEM / name).unlink()
        for process, reading in reversed(self.started):
            process.terminate()
            process.wait()
            reading.join()
            process.stderr.close()
        for file in self.folder.glob("*.pid"):
            subprocess.run(["kill", file.read_text().strip()], check=False)

    def ask(self, *command):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def _start_munge(self):
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
            return
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        Path("/run/munge").mkdir(mode=0o755, exist_ok=True)
        files = {"key-file": key, "pid-file": self.folder / "munged.pid"}
        files |= {"log-file": self.folder / "munged.log", "seed-file": self.folder / "munge.seed"}
        options = [f"--{name}={path}" for name, path in files.items()]
        subprocess.run(["munged", "--force", *options], check=True)
