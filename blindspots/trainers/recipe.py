"""Recipe of a trainer for the shared loop: its loss, and what else it needs (`loop`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Rows(Protocol):
    """Images by their rows: a tensor, or a loader that reads what is asked for."""

    @property
    def device(self) -> torch.device:
        """Device of the images that it gives."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor, /) -> Tensor: ...


class Step(NamedTuple):
    """The step that a loss is for.

    Attributes:
        number: steps before it, of all stages.
        epoch: epochs of its stage before it, with the part of the present one.
        rows: (n,) places of the batch's images among all, on their device.
        generator: on the CPU, of all that is drawn at random; it goes on where a training does.
    """

    number: int
    epoch: float
    rows: Tensor
    generator: torch.Generator

    def value(self, setting: float | Sequence[Sequence[float]]) -> float:
        """A setting's value at this step.

        Args:
            setting: a number, or pairs (epoch, value) with lines between them, the last one kept.
        """
        if not isinstance(setting, Sequence):
            return setting
        for (begin, low), (end, high) in pairwise(setting):
            if self.epoch < end:
                return low + (high - low) * (self.epoch - begin) / (end - begin)
        return setting[-1][1]


class Mean(NamedTuple):
    """A mean for the history, as a sum and the number of its terms; in percent where it says so."""

    total: Tensor
    terms: int
    percent: bool = False


Term = Tensor | Mean
Found = Tensor | tuple[Tensor, Mapping[str, Term]]
"""A batch's mean loss, and what the history has beside it: by name values (n,) or a `Mean`.

Of true and false the history has the share of the true ones, in percent.
"""
Loss = Callable[[Tensor, Tensor, Step], Found]
Terms = dict[str, float]


@dataclass(frozen=True)
class Recipe:
    """One stage of a training.

    Attributes:
        loss: of images (n, *image), labels (n,) or targets (n, …), and the step.
        after_step: called after each step of the optimiser, without gradients, such as to project
            the weights.
        before_epoch: called with the number of epochs before it, from 0.
        row: given an epoch's row of the history, returns the one that stands there.
        validate: of images and labels, the values (n,) whose mean early stopping looks at; None:
            wrong answers.
        targets: of images and labels, what `loss` is given in place of labels, such as a teacher's
            answers; made once, by what the stage does not train.
        images: other images than the net's.
        labels: (n,) theirs, or others of the net's images.
        trained: the parameters that the stage trains; None: all that require gradients.
        epochs: of the stage; None: those of the settings.
        learning_rate: of the stage; None: that of the settings.
        state: of what the trainer keeps itself: tensors, numbers and text in lists and
            dictionaries, for a training that goes on.
        restore: given that state, and the device of the images.
    """

    loss: Loss
    after_step: Callable[[Step], None] | None = None
    before_epoch: Callable[[int], None] | None = None
    row: Callable[[Terms], Terms] | None = None
    validate: Callable[[Tensor, Tensor], Tensor] | None = None
    targets: Callable[[Tensor, Tensor], Tensor] | None = None
    images: Rows | None = None
    labels: Tensor | None = None
    trained: Iterable[nn.Parameter] | None = None
    epochs: int | None = None
    learning_rate: float | Sequence[Sequence[float]] | None = None
    state: Callable[[], Any] | None = None
    restore: Callable[[Any, torch.device], None] | None = None


class Tally:
    """Means over an epoch, whose sums stay on the device."""

    def __init__(self, sums: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.sums = {name: Mean(*one) for name, one in (sums or {}).items()}

    def add(self, terms: Mapping[str, Term]) -> None:
        """Count a batch's terms."""
        for name, term in terms.items():
            new = term if isinstance(term, Mean) else _mean(term)
            old = self.sums.get(name)
            if old is not None:
                new = Mean(old.total + new.total, old.terms + new.terms, new.percent)
            self.sums[name] = new

    def row(self) -> Terms:
        """The means so far."""
        found = {name: (float(one.total), one) for name, one in self.sums.items() if one.terms}
        return {n: (100 * t if one.percent else t) / one.terms for n, (t, one) in found.items()}

    def state(self) -> dict[str, list[Any]]:
        """State from which a `Tally` is made again."""
        return {name: list(one) for name, one in self.sums.items()}


def _mean(term: Tensor) -> Mean:
    term = term.detach()
    return Mean(term.sum(), len(term), term.dtype == torch.bool)
