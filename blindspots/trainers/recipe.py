"""Recipe that a trainer gives the shared loop: its loss, and what else it needs (`loop`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Loader(Protocol):
    """Images addressed by row: a tensor, or a loader that reads the rows asked for."""

    @property
    def device(self) -> torch.device:
        """Device of the images that it returns."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor, /) -> Tensor: ...


class Step(NamedTuple):
    """The step of a training that a loss is computed for.

    Attributes:
        number: steps before it, earlier stages included.
        epoch: epochs of its stage before it, counting the fraction of the current one.
        rows: (n,) positions of the batch's images among all, on the images' device.
        generator: on the CPU, for everything drawn at random; its state is kept for resuming.
    """

    number: int
    epoch: float
    rows: Tensor
    generator: torch.Generator

    def value(self, setting: float | Sequence[Sequence[float]]) -> float:
        """Return a setting's value at this step.

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
    """A mean for the history: a sum and its number of terms; times 100 if `percent`."""

    total: Tensor
    terms: int
    percent: bool = False


Term = Tensor | Mean
Found = Tensor | tuple[Tensor, Mapping[str, Term]]
"""A batch's mean loss, and other columns of the history by name: values (n,) or a `Mean`.

Of booleans the history has the share that is true, in percent.
"""
Loss = Callable[[Tensor, Tensor, Step], Found]
Terms = dict[str, float]
Progress = Callable[[Terms], None]


@dataclass(frozen=True)
class Recipe:
    """One stage of a training.

    Attributes:
        loss: takes images (n, *image), labels (n,) or targets (n, …), and the step.
        after_step: called after each step of the optimiser, without gradients; for instance to
            project the weights.
        before_epoch: called with the number of the epoch, from 0, when the epoch begins, and once
            more, before `restore`, when a training resumes within it. It may draw from the
            generator, which gives it the same numbers both times; what it takes from the model, or
            from earlier epochs, belongs in `state`.
        row: takes an epoch's row of the history, and returns the row to store.
        validate: takes images and labels, and returns the values (n,) whose mean early stopping
            compares. None: whether each answer is wrong.
        targets: takes images and labels, and returns what replaces the labels in `loss`, such as a
            teacher's answers; computed once, when the stage begins, and kept for resuming.
        images: images that replace the net's; without `labels` they are to have the net's, in its
            order.
        labels: (n,) labels of `images`, or labels that replace the net's.
        trained: the parameters that the stage trains. None: all that require gradients.
        epochs: the stage's. None: as in the settings.
        learning_rate: the stage's. None: as in the settings.
        state: returns what the trainer itself needs for resuming: tensors, numbers and text in
            lists and dictionaries.
        restore: takes that state, and the device of the images.
    """

    loss: Loss
    after_step: Callable[[Step], None] | None = None
    before_epoch: Callable[[int], None] | None = None
    row: Callable[[Terms], Terms] | None = None
    validate: Callable[[Tensor, Tensor], Tensor] | None = None
    targets: Callable[[Tensor, Tensor], Tensor] | None = None
    images: Loader | None = None
    labels: Tensor | None = None
    trained: Iterable[nn.Parameter] | None = None
    epochs: int | None = None
    learning_rate: float | Sequence[Sequence[float]] | None = None
    state: Callable[[], Any] | None = None
    restore: Callable[[Any, torch.device], None] | None = None


class Tally:
    """Running means over an epoch; their sums stay on the device."""

    def __init__(self, sums: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.sums = {name: Mean(*one) for name, one in (sums or {}).items()}

    def add(self, terms: Mapping[str, Term]) -> None:
        """Add a batch's terms."""
        for name, term in terms.items():
            new = term if isinstance(term, Mean) else _mean(term)
            old = self.sums.get(name)
            if old is not None:
                new = Mean(old.total + new.total, old.terms + new.terms, new.percent)
            self.sums[name] = new

    def row(self) -> Terms:
        """Return the means so far."""
        found = {name: (float(one.total), one) for name, one in self.sums.items() if one.terms}
        return {n: (100 * t if one.percent else t) / one.terms for n, (t, one) in found.items()}

    def state(self) -> dict[str, list[Any]]:
        """Return what `Tally(…)` is made from again."""
        return {name: list(one) for name, one in self.sums.items()}


def _mean(term: Tensor) -> Mean:
    term = term.detach()
    return Mean(term.sum(), len(term), term.dtype == torch.bool)
