"""What the package's certificates know of images: the network in float64, and its answers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from blindspots.bounds.graph import Exact, exact
from blindspots.interface import InputError
from blindspots.threat.goals import SUCCESS_MARGIN, accepted_answers, relative_margin


class Answers(NamedTuple):
    """A network's answers to images.

    Attributes:
        network: that computes what the model does, in float64 (see `bounds.graph.exact`).
        logits: (n, classes) float64.
        label_alone: (n, classes) bool, the label's place.
        certain: (n,) bool, whether the label is above all others by `goals.SUCCESS_MARGIN`, so that
            float32 gets the image right, too.
    """

    network: Exact
    logits: Tensor
    label_alone: Tensor
    certain: Tensor


class _Widened(nn.Module):
    """A model with one logit z as one with two, 0 and z (`outcomes.widened`), layer by layer."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.both = model, nn.Linear(1, 2)
        with torch.no_grad():
            self.both.weight.copy_(torch.tensor([[0.0], [1.0]]))
            self.both.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.both(self.model(x))


def answers(
    model: nn.Module, images: Tensor, labels: Tensor, classes: int | None = None
) -> Answers:
    """Show images to a model.

    Args:
        model: images to logits; one with a single logit z is taken for (0, z).
        images: (n, *image) float32 or float64.
        labels: (n,) int64, true classes.
        classes: number of labels; logits beyond them, such as a detector's "rejected", are left
            out, since an image that is rejected is not wrong. None: all logits are classes.

    Raises:
        InputError: other images or labels, or a model that gives no logits (n, classes).
        UnsupportedError: a model whose answers do not follow from its layers.
    """
    if images.dtype not in (torch.float32, torch.float64) or not images.isfinite().all():
        raise InputError(f"images: expected finite float32 or float64, found {images.dtype}")
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise InputError(
            f"labels: expected int64 of shape ({len(images)},), found {labels.dtype} "
            f"{tuple(labels.shape)}"
        )
    network = exact(model, images.shape[1:])
    with torch.no_grad():
        logits = network(images.double().clone())  # a forward may change its images
        if logits.ndim == 2 and logits.shape[1] == 1:
            network = exact(_Widened(model).to(images.device), images.shape[1:])
            logits = network(images.double().clone())
    if logits.ndim != 2:
        raise InputError(
            "model: expected a net that classifies, with logits (n, classes), found answers of "
            f"shape ({', '.join(['n', *map(str, logits.shape[1:])])}); leave it out"
        )
    logits = logits[:, :classes]
    if not ((labels >= 0) & (labels < logits.shape[1])).all():
        raise InputError(f"labels: expected classes from 0 to {logits.shape[1] - 1}, found others")
    label_alone = accepted_answers(labels, labels, logits.shape[1], logits.shape[1])
    certain = relative_margin(logits, label_alone) >= SUCCESS_MARGIN
    return Answers(network, logits, label_alone, certain)
