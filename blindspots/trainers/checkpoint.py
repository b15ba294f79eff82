"""Checkpoints, from which a killed training resumes."""

from __future__ import annotations

import hashlib
import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.files.atomic import replacing
from blindspots.interface import InputError

State = dict[str, Any]

DIGEST = hashlib.sha256().digest_size
"""Bytes at the beginning of the file: the SHA-256 of the others."""


class Checkpoint:
    """A file from which an interrupted training resumes as if it had never stopped.

    It holds the model's tensors, PyTorch's random state, what the trainer adds, and the weights
    after the steps in `steps`. A trainer calls `resume` once, before its first step, and `keep`
    wherever it could resume.

    Attributes:
        weights: by step, on the CPU, for the steps reached so far.
    """

    def __init__(
        self,
        path: str | Path,
        key: str,
        model: nn.Module,
        *,
        every: float,
        steps: Sequence[int] = (),
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            path: the file's.
            key: identifies what is trained, how, and on what; a file with another key, or that was
                not to keep all of `steps`, is not used.
            model: the model that is trained.
            every: seconds between two writes.
            steps: steps after which the weights are kept.
        """
        self.steps, self.weights = steps, dict[int, dict[str, Tensor]]()
        self.path, self.key, self.model, self.every = Path(path), key, model, every
        self._kept = time.monotonic()

    def resume(self) -> State | None:
        """Restore model and random state from the file; return what the trainer added, or None."""
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file:
                digest, content = file.read(DIGEST), file.read()
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("its content has another SHA-256")
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            key = found["key"]
        except Exception as error:  # of many kinds, and none a reason to give up the training
            print(f"{self.path}: cannot be read ({error}); begins anew", file=sys.stderr)
            return None
        if key != self.key or not {*self.steps} <= {*found["steps"]}:
            print(f"{self.path}: of other settings or data; begins anew", file=sys.stderr)
            return None
        self.model.load_state_dict(found["model"])
        torch.set_rng_state(found["random"])
        if found["random_cuda"] is not None and torch.cuda.is_initialized():
            torch.cuda.set_rng_state(found["random_cuda"])
        self.weights = {step: kept for step, kept in found["weights"].items() if step in self.steps}
        print(f"goes on from {self.path}", file=sys.stderr)
        return found["trainer"]

    def assert_reached(self, last: int) -> None:
        """Refuse checkpoints beyond the last step.

        Args:
            last: number of steps of the training.

        Raises:
            InputError: names the first step beyond it.
        """
        for step in self.steps:
            if step > last and step not in self.weights:
                raise InputError(
                    f"checkpoints: expected steps of at most {last}, the last of this training, "
                    f"found {step}; lower it, or train for longer"
                )

    def at(self, step: int) -> None:
        """Keep the weights if they are wanted after this many steps."""
        if step in self.steps and step not in self.weights:
            state = self.model.state_dict()
            self.weights[step] = {
                name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
                for name, tensor in state.items()
            }

    def keep(self, state: Callable[[], State]) -> None:
        """Write the file if the last write is long enough ago.

        Args:
            state: returns what the trainer adds: tensors, numbers and text in lists and
                dictionaries.
        """
        if time.monotonic() - self._kept < self.every:
            return
        kept = {
            "key": self.key,
            "steps": list(self.steps),
            "model": self.model.state_dict(),
            "weights": self.weights,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
            "trainer": state(),
        }
        content = io.BytesIO()
        torch.save(kept, content)  # whose archive's own checksums PyTorch does not look at
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content.getbuffer()).digest())
            file.write(content.getbuffer())
        self._kept = time.monotonic()

    def remove(self) -> None:
        """Remove the file, if there is one; called once the training's results are written."""
        self.path.unlink(missing_ok=True)
