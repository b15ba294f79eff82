"""Where a training that was killed goes on."""

from __future__ import annotations

import hashlib
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from blindspots.files.atomic import replacing

State = dict[str, Any]

DIGEST = hashlib.sha256().digest_size
"""Bytes at the beginning of the file: the SHA-256 of the others."""


class Checkpoint:
    """A file from which a training goes on as if it had never stopped.

    It holds the model's tensors, PyTorch's random state, and what the trainer adds. A trainer calls
    `resume` once, before its first step, and `keep` wherever it could go on.
    """

    def __init__(self, path: str | Path, key: str, model: nn.Module, *, every: float) -> None:
        """Nothing is read or written yet.

        Args:
            path: of the file.
            key: of what is trained, how, and on what; a file with another key is not used.
            model: what is trained.
            every: seconds between two writings.
        """
        self.path, self.key, self.model, self.every = Path(path), key, model, every
        self._kept = time.monotonic()

    def resume(self) -> State | None:
        """Set model and random state to those of the file; what the trainer added, or None."""
        if not self.path.exists():
            return None
        try:
            digest, content = (whole := self.path.read_bytes())[:DIGEST], whole[DIGEST:]
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("its content has another SHA-256")
            found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            key = found["key"]
        except Exception as error:  # of many kinds, and none a reason to give up the training
            print(f"{self.path}: cannot be read ({error}); begins anew", file=sys.stderr)
            return None
        if key != self.key:
            print(f"{self.path}: of other settings or data; begins anew", file=sys.stderr)
            return None
        self.model.load_state_dict(found["model"])
        torch.set_rng_state(found["random"])
        if found["random_cuda"] is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(found["random_cuda"])
        print(f"goes on from {self.path}", file=sys.stderr)
        return found["trainer"]

    def keep(self, state: Callable[[], State]) -> None:
        """Write the file, where the last writing is long enough ago.

        Args:
            state: gives what the trainer adds: tensors, numbers and text in lists and dictionaries.
        """
        if time.monotonic() - self._kept < self.every:
            return
        kept = {
            "key": self.key,
            "model": self.model.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
            "trainer": state(),
        }
        content = io.BytesIO()
        torch.save(kept, content)  # whose archive's own checksums PyTorch does not look at
        with replacing(self.path) as temporary:
            temporary.write_bytes(hashlib.sha256(content.getvalue()).digest() + content.getvalue())
        self._kept = time.monotonic()

    def remove(self) -> None:
        """Remove the file, if there is one: the training's results are written."""
        self.path.unlink(missing_ok=True)
