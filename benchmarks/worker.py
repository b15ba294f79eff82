"""Run one method on one net in a process of its own, and record time and memory.

python -m benchmarks.worker TASK.npz RESULT.npz, started by benchmarks/attacks.py.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.methods import METHODS
from benchmarks.nets import load

WARM_UP = 8
"""Images attacked before the clock starts."""
REPEATS = 5
ENOUGH = 3.0
"""Seconds after which no further repeat begins; the shortest run counts."""


class Counted(nn.Module):
    """A model that counts the images shown to it and the gradients taken."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.forwards = self.backwards = 0

    def forward(self, x):
        """Images to logits."""
        self.forwards += len(x)
        logits = self.model(x)
        if logits.requires_grad:
            logits.register_hook(self._count)
        return logits

    def _count(self, gradient):
        self.backwards += len(gradient)


def main(task: str, result: str) -> None:
    """Attack the images of a task."""
    given = np.load(task)
    torch.set_num_threads(int(given["threads"]))
    model = Counted(load(str(given["net"]))).eval().requires_grad_(False)
    images, labels = torch.from_numpy(given["images"]), torch.from_numpy(given["labels"])
    targets = torch.from_numpy(given["targets"]) if "targets" in given else None
    attack = METHODS[str(given["method"])].run
    first = slice(WARM_UP)
    torch.manual_seed(0)
    attack(model, images[first], labels[first], None if targets is None else targets[first])
    before, times = _memory("VmRSS"), []
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    while not times or (sum(times) < ENOUGH and len(times) < REPEATS):
        model.forwards = model.backwards = 0
        torch.manual_seed(0)
        begun = time.perf_counter()
        found = attack(model, images, labels, targets)
        times.append(time.perf_counter() - begun)
    after, passes = _memory("VmHWM"), (model.forwards, model.backwards)
    bare = _bare(model.model, images, labels)
    with torch.no_grad():
        logits = torch.cat([model.model(x) for x in found.float().split(256)])
    answers = logits.argmax(dim=1)
    np.savez(
        result,
        l2=(found.double() - images.double()).flatten(1).norm(dim=1).numpy(),
        success=(answers != labels if targets is None else answers == targets).numpy(),
        in_box=bool((found >= 0).all() and (found <= 1).all()),
        seconds=min(times),
        forwards=passes[0],
        backwards=passes[1],
        peak=after - before,
        whole=after,
        bare=bare,
    )


def _bare(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Seconds of one gradient of one image, at the best batch size."""
    best = float("inf")
    for size in (256, 512, 1024):
        x, y = images[:size].clone().requires_grad_(), labels[:size]
        for _ in range(3):
            begun = time.perf_counter()
            for _ in range(10):
                loss = nn.functional.cross_entropy(model(x), y, reduction="sum")
                torch.autograd.grad(loss, x)
            best = min(best, (time.perf_counter() - begun) / 10 / len(x))
    return best


def _memory(kind: str) -> float:
    """Memory of this process in MiB: resident now (VmRSS) or at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
