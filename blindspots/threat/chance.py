"""Stochastic models: the number of draws by which each image is judged, and their generator.

Such a model, with dropout that stays on or with layers of noise, draws from torch's global
generator. It is in evaluation mode like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from blindspots.interface import InputError
from blindspots.randomness import derived_seed

DRAWS = "blindspots_draws"
"""Attribute of a stochastic module; a copy of the module has it, too."""


def by_chance(model: nn.Module, draws: int | None) -> nn.Module:
    """Mark a model as stochastic: each image is judged by several answers.

    Args:
        model: images to logits.
        draws: number of answers, at least 1; None: the model is deterministic.

    Raises:
        InputError: an invalid number.
    """
    if draws is not None and (type(draws) is not int or draws < 1):
        raise InputError(f"draws: expected a whole number of 1 or more, found {draws!r}")
    setattr(model, DRAWS, draws)
    return model


def draws_of(model: object) -> int | None:
    """Number of answers by which a model judges an image; None for a deterministic one."""
    return getattr(model, DRAWS, None)


@contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Seed torch's global generators for a purpose, and restore them afterwards."""
    with restored():
        torch.manual_seed(derived_seed(seed, purpose))
        yield


@contextmanager
def restored() -> Iterator[None]:
    """Restore torch's global generators afterwards, without initialising a GPU that is not used."""
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=cuda):
        yield


def repeats_itself(model: nn.Module, images: Tensor) -> bool:
    """Return whether a model's answers to images are the same for two seeds."""
    found = []
    for seed in range(2):
        with seeded(seed, "repeats itself"), torch.no_grad():
            found.append(model(images.clone()))
    return bool(torch.equal(*found))
