"""Models that answer by chance: how many draws each image is judged by, and what these draw from.

The chance of such a model is its own, from torch's global generator: dropout that stays on, layers
of noise. It is in evaluation mode as any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from blindspots.interface import InputError
from blindspots.randomness import derived_seed

DRAWS = "blindspots_draws"
"""Attribute of a module that answers by chance; a copy of the module has it, too."""


def by_chance(model: nn.Module, draws: int | None) -> nn.Module:
    """The model, from now on taken to answer by chance: an image is judged by so many answers.

    Args:
        model: images to logits.
        draws: at least 1; None: it answers the same each time.

    Raises:
        InputError: no such number.
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
    """Let torch's global generators begin anew for a purpose; they are put back afterwards."""
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(derived_seed(seed, purpose))
        yield


def repeats_itself(model: nn.Module, images: Tensor) -> bool:
    """Return whether a model's answers to images are the same for two seeds."""
    found = []
    for seed in range(2):
        with seeded(seed, "repeats itself"), torch.no_grad():
            found.append(model(images.clone()))
    return bool(torch.equal(*found))
