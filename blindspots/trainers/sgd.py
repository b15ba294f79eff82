"""Standard training: mini-batches, Nesterov momentum, one cycle of learning rates."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.trainers.loop import looped
from blindspots.trainers.recipe import Found, Loss, Step


@looped
def sgd(model: nn.Module, images: Tensor, labels: Tensor) -> Loss:
    """Train in place on cross-entropy, with the settings of `loop.train`.

    Args:
        model: maps images to logits.
        images: (n, *image).
        labels: (n,).

    Returns:
        The history and the status of `loop.train`; the history has the `error`, in percent, taken
        while training.
    """

    def loss(x: Tensor, y: Tensor, step: Step) -> Found:
        logits = model(x)
        return cross_entropy(logits, y), {"error": logits.argmax(dim=1) != y}

    return loss
