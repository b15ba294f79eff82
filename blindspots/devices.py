"""The device that a job computes on; of several GPUs each job of this machine takes its own."""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from blindspots.interface import InputError

_taken: list[tuple[int, int | None]] = []
"""The GPU of this process, and its lock for other processes, which ends with this one (`take`)."""


def pick(device: str) -> torch.device:
    """The device named in the config, in full float32: TF32 is switched off.

    Args:
        device: "auto" (a GPU if there is one), "cpu" or "cuda".

    Raises:
        InputError: "cuda" without a GPU.
    """
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise InputError(
            "config: machine.device: expected a GPU for 'cuda', found none; use auto or cpu"
        )
    if device == "auto" and not has_gpu:
        print("no GPU found, computing on the CPU", file=sys.stderr)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if not has_gpu or device == "cpu":
        return torch.device("cpu")
    if not _taken:
        _taken.append(take(visible(torch.cuda.device_count())))
    ((place, _),) = _taken
    torch.cuda.set_device(place)  # code that names only "cuda" means it, too
    return torch.device("cuda", place)


def visible(count: int) -> list[str]:
    """Return names of the GPUs that this process sees; other processes have the same names.

    Args:
        count: number of GPUs. A scheduler such as Slurm names those of a job in
            CUDA_VISIBLE_DEVICES.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[:count]
    return [name.strip() for name in named] if any(named) else [str(gpu) for gpu in range(count)]


def take(names: Sequence[str], folder: str | None = None) -> tuple[int, int | None]:
    """Return the index of the first GPU that no other process has taken, and its open lock file.

    If all are taken, processes share them by process id, and there is no lock file.

    Args:
        names: names of the GPUs.
        folder: folder of the locks; None: the folder of temporary files.
    """
    for place, name in enumerate(names):
        file = f"blindspots-{os.getuid()}-gpu-{name.replace(os.sep, '-')}.lock"
        lock = os.open(Path(folder or tempfile.gettempdir(), file), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        return place, lock
    return os.getpid() % len(names), None
