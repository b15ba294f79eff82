"""The standard training of today: mini-batches, Nesterov momentum, one cycle of learning rates."""

from __future__ import annotations

import math
import time
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.interface import InputError, Status
from blindspots.limits import Count, NonNegative, Positive, at_least, below
from blindspots.trainers._full_batch import Progress, Terms
from blindspots.trainers.checkpoint import Checkpoint


def sgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: Count = 10,
    batch: Count = 128,
    learning_rate: Positive = 0.05,
    momentum: Annotated[float, at_least(0), below(1)] = 0.9,
    decay: NonNegative = 5e-4,
    seed: int = 0,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[Terms], Status]:
    """Train in place on cross-entropy by stochastic gradient descent.

    The learning rate rises and falls once (Smith and Topin 2018, "Super-convergence"); decay is
    that of `torch.optim.SGD`, biases included.

    Args:
        model: images to logits.
        images: (n, *image).
        labels: (n,).
        epochs: passes over the images.
        batch: images per step; the last, smaller one of an epoch is used as well.
        learning_rate: the largest.
        momentum: Nesterov's; fixed.
        decay: weight decay.
        seed: of the order of the images.
        progress: called with each row of the history.
        checkpoint: where to go on, and to leave what is needed to.

    Returns:
        The history, a row per epoch with the mean loss and the error in percent of the images as
        they were trained on, `iteration` in steps; and CONVERGED when the last epoch is done, or
        NON_FINITE.

    Raises:
        InputError: no images, or nothing to train.
    """
    if len(images) == 0:
        raise InputError("expected at least one training image, found none; enlarge the part")
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise InputError("model: expected parameters to train, found none")
    optimiser = torch.optim.SGD(
        parameters, lr=learning_rate, momentum=momentum, weight_decay=decay, nesterov=momentum > 0
    )
    steps = math.ceil(len(images) / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=epochs * steps, cycle_momentum=False
    )
    generator = torch.Generator().manual_seed(seed)
    rows: list[Terms] = []
    resumed = None if checkpoint is None else checkpoint.resume()
    if resumed is not None:
        rows = resumed["rows"]
        optimiser.load_state_dict(resumed["optimiser"])
        schedule.load_state_dict(resumed["schedule"])
        generator.set_state(resumed["generator"])
    begun = time.perf_counter() - (rows[-1]["seconds"] if rows else 0)
    for epoch in range(len(rows) + 1, epochs + 1):
        order = torch.randperm(len(images), generator=generator).to(images.device)
        total, wrong = images.new_zeros(()), images.new_zeros(())
        for at in order.split(batch):
            optimiser.zero_grad()
            logits = model(images[at])
            loss = cross_entropy(logits, labels[at])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.detach() * len(at)
            wrong += (logits.argmax(dim=1) != labels[at]).sum()
        rows.append(
            {
                "iteration": epoch * steps,
                "loss": total.item() / len(images),
                "error": 100 * wrong.item() / len(images),
                "seconds": time.perf_counter() - begun,
            }
        )
        if progress is not None:
            progress(rows[-1])
        if not math.isfinite(rows[-1]["loss"]):
            return rows, Status.NON_FINITE
        if checkpoint is not None:
            checkpoint.keep(
                lambda: {
                    "rows": rows,
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                }
            )
    optimiser.zero_grad()
    return rows, Status.CONVERGED
