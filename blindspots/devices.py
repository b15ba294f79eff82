"""The device that a job computes on."""

from __future__ import annotations

import sys

import torch

from blindspots.interface import InputError


def pick(device: str) -> torch.device:
    """The device named in the config, in full float32: TF32 is switched off.

    Args:
        device: "auto" (a GPU where there is one), "cpu" or "cuda".

    Raises:
        InputError: "cuda" where there is none.
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
    return torch.device("cuda" if has_gpu and device != "cpu" else "cpu")
