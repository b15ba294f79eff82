"""Files of one model's weights after several training steps, in safetensors."""

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


def save(path: str | Path, weights: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Write the weights after each step, and their SHA-256, all or nothing.

    Args:
        path: path of the file.
        weights: a model's state by step, on the CPU.
    """
    named = {
        f"{step}/{name}": tensor.contiguous().clone()
        for step, state in weights.items()
        for name, tensor in state.items()
    }
    said = json.dumps({"steps": sorted(weights), _tensors.DIGEST: _tensors.digest(named)})
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
    begin = f"{step}/"
    of_all = _tensors.tensors(path)
    found = {n.removeprefix(begin): t for n, t in of_all.items() if n.startswith(begin)}
    if not found:
        raise InputError(f"{path}: expected weights after step {step}, found none; delete the file")
    model.load_state_dict(fitted(model, found, path))
    model.eval()
