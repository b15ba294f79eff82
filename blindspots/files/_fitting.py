"""Fit weights to a model: rename them to its names, and check shapes, types and finiteness."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.interface import InputError

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Accepted types of weights; int8, for one, belongs to quantised weights, without their scales."""

COUNTER = "num_batches_tracked"
"""Counter of batch normalisation: unused in evaluation, absent before PyTorch 0.4.1."""

Tensors = Mapping[str, Tensor]


def fitted(model: nn.Module, found: Tensors, path: str | Path) -> dict[str, Tensor]:
    """Return weights that `load_state_dict` of a model accepts.

    Prefixes that wrappers add to all names are removed, such as "module." of DataParallel and
    "_orig_mod." of torch.compile. One name is enough for a tensor that the model shares.

    Args:
        model: the model to fit.
        found: the weights as read.
        path: path of their file, for messages.

    Returns:
        A tensor for each name in the model's state.

    Raises:
        InputError: names, shapes or types other than the model's, or non-finite numbers; names the
            first tensor.
    """
    expected = {
        name: tensor
        for name, tensor in model.state_dict(keep_vars=True).items()
        if isinstance(tensor, Tensor)
    }
    found = _completed(_renamed(found, expected), expected)
    unknown = sorted(found.keys() - expected.keys())
    for name in sorted(expected.keys() | found.keys()):
        wanted, given = expected.get(name), found.get(name)
        if wanted is None or given is None or wanted.shape != given.shape:
            others = ""
            if given is None and unknown:
                others = f" (but {', '.join(map(repr, unknown[:3]))})"
            raise InputError(
                f"{path}: tensor {name!r}: expected {_shape(wanted)}, found {_shape(given)}"
                f"{others}; the weights belong to a model of another shape: change the model's "
                "settings or the file"
            )
        fault = _fault(wanted, given)
        if fault is not None:
            raise InputError(f"{path}: tensor {name!r}: {fault}")
    _check_shared(expected, found, path)
    return dict(found)


def _renamed(found: Tensors, expected: Mapping[str, Any]) -> Tensors:
    """Remove common prefixes from all names, as many as give the most names of the model."""
    plain = {name.replace("_orig_mod.", ""): tensor for name, tensor in found.items()}
    candidates = [found, *([plain] if len(plain) == len(found) else [])]
    while len({name.partition(".")[0] for name in candidates[-1]}) == 1:
        shorter = {n.partition(".")[2]: tensor for n, tensor in candidates[-1].items()}
        if "" in shorter:
            break
        candidates.append(shorter)
    return max(candidates, key=lambda names: len(names.keys() & expected.keys()))


def _completed(found: Tensors, expected: Tensors) -> Tensors:
    """Add what a file may lack: further names of shared tensors, and counters of batches."""
    known = {id(expected[name]): tensor for name, tensor in found.items() if name in expected}
    more = {}
    for name, tensor in expected.items():
        if name not in found and id(tensor) in known:
            more[name] = known[id(tensor)]
        elif name not in found and name.endswith(COUNTER):
            more[name] = torch.zeros_like(tensor, device="cpu")
    return {**found, **more}


def _fault(wanted: Tensor, given: Tensor) -> str | None:
    """Return the fault of a tensor of the right shape; None: none."""
    if given.layout != torch.strided or given.is_quantized or given.is_meta:
        return f"expected a dense tensor, found {given.layout}, {given.dtype}; save it dense"
    if wanted.is_floating_point():
        if given.dtype not in FLOATS:
            return (
                f"expected floating-point numbers, found {given.dtype}; take the weights before "
                "they were quantised or converted"
            )
        cast = given.to(wanted.dtype)
        bad = cast.isnan() if not isinstance(wanted, nn.Parameter) else ~cast.isfinite()
        if bad.any():
            return (
                f"expected finite numbers, found {int(bad.sum())} of {bad.numel()} that are not; "
                "its training diverged, or it is damaged: take another file"
            )
    elif given.dtype != wanted.dtype and (given.is_floating_point() or given.is_complex()):
        return f"expected {wanted.dtype}, found {given.dtype}; convert it"
    return None


def _check_shared(expected: Tensors, found: Tensors, path: str | Path) -> None:
    """Refuse different values for one tensor that the model has under several names."""
    first: dict[int, str] = {}
    for name, tensor in expected.items():
        other = first.setdefault(id(tensor), name)
        if other != name and not torch.equal(found[other], found[name]):
            raise InputError(
                f"{path}: tensor {name!r}: expected the values of {other!r}, with which the model "
                "shares it, found different ones; the weights belong to another model"
            )


def _shape(tensor: Tensor | None) -> str:
    return "none" if tensor is None else "×".join(map(str, tensor.shape)) or "a scalar"
