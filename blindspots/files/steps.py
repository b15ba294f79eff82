"""Files of one model's weights after several training steps, in safetensors.

Each step has an SHA-256 of its own: who wants one step reads no other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from blindspots.files import _tensors
from blindspots.files._fitting import fitted
from blindspots.files.atomic import replacing
from blindspots.interface import InputError

STEPS = "steps"
"""Key of the SHA-256 of each step's weights."""


def save(path: str | Path, weights: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Write the weights after each step, and their SHA-256, all or nothing.

    Args:
        path: path of the file.
        weights: a model's state by step, on the CPU, contiguous; no two share their memory.
    """
    named = {
        f"{step}/{n}": tensor for step, state in weights.items() for n, tensor in state.items()
    }
    digests = {str(step): _tensors.digest(state) for step, state in weights.items()}
    said = json.dumps({STEPS: digests}, sort_keys=True)
    with replacing(path) as temporary:
        save_file(named, temporary, metadata={"spec": said})


def load(model: nn.Module, path: str | Path, step: int) -> None:
    """Put the weights after a step into a model.

    Args:
        model: model of the kind that was trained.
        path: path of a file that `save` wrote.
        step: step of the training.

    Raises:
        InputError: an unreadable file, one without the step, or weights of another model.
    """
    digest = _digests(path).get(str(step))
    if digest is None:
        raise InputError(
            f"{path}: expected weights after step {step} and their SHA-256, found none; delete the "
            "file and run the workflow again"
        )
    found = _tensors.beginning(path, f"{step}/")
    if _tensors.digest(found) != digest:
        raise _tensors.unreadable(path, ValueError(f"step {step} has another SHA-256 than it says"))
    model.load_state_dict(fitted(model, found, path))
    model.eval()


def _digests(path: str | Path) -> dict[str, str]:
    """Return the SHA-256 of the weights by step that a file states; empty if it states none."""
    said = _tensors.metadata(path)
    try:
        return dict(json.loads(said["spec"])[STEPS])
    except (KeyError, RecursionError, TypeError, ValueError):
        return {}
