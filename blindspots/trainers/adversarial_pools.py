"""Training on clean images mixed with adversarial examples for the outputs of single layers."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.interface import UNIT_BOX, Box, InputError, Status
from blindspots.limits import (
    Count,
    Natural,
    NonNegative,
    Positive,
    Share,
    above,
    at_least,
    at_most,
    below,
    distinct,
    some,
)
from blindspots.trainers._full_batch import Progress, Terms
from blindspots.trainers._pools import (
    Pool,
    check_use,
    examples_beside,
    one_for_each,
    pools_of,
)
from blindspots.trainers._stages import Stages
from blindspots.trainers._tally import Tally
from blindspots.trainers.checkpoint import Checkpoint

READINGS = {
    "decay": ("decay", "decoupled from the gradient (AdamW)"),
    "pools": (
        "layers",
        "of {layers}, {kind}, at most {strength} RMS per unit, {mix:%} of a batch",
    ),
}
"""Readings of the paper by setting, for the report (`report.readings`)."""


def adversarial_pools(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    layers: Literal["all", "input"] | Annotated[Sequence[Natural], distinct()] = "all",
    kind: Literal["closest", "noise", "sign"] = "closest",
    strength: Positive | Annotated[Sequence[Positive], some()] = 0.1,
    factor: Positive = 1.0,
    steps: Count = 12,
    turns: Sequence[Count] | None = None,
    pool: Count = 2000,
    refresh: Annotated[float, above(0), at_most(1)] = 0.2,
    refresh_every: Count = 10,
    mix: Share = 0.5,
    train_below: bool = False,
    begin: Natural = 1,
    epochs: Count = 40,
    batch: Count = 128,
    learning_rate: Positive = 3e-3,
    decay: NonNegative = 0.0,
    dropout_input: Annotated[float, at_least(0), below(1)] = 0.0,
    dropout_hidden: Annotated[float, at_least(0), below(1)] = 0.0,
    max_norm: Positive | None = None,
    seed: int = 0,
    box: Box = UNIT_BOX,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[Terms], Status]:
    """Train in place on cross-entropy by Adam, pools of adversarial examples mixed in.

    Szegedy et al. 2013, section 4.2: a pool for each layer's output, whose examples train all
    layers above; a random subset of each pool is replaced all the time; mixed into the training
    set; in alternation. Here every batch of clean images takes examples of one pool, the pools in
    turn, and trains the layers above that pool's level on both; those below stay as they are,
    as at evaluation (unless `train_below`).
    Details that the paper does not give are settings. Dropout is of the layers above alone.

    Without pools (`layers: []`) it is the training that weight decay and dropout are compared by:
    the same steps over the same clean images.

    Args:
        model: images to logits; a `torch.nn.Sequential`.
        images: (n, *image) in the box.
        labels: (n,).
        layers: whose outputs have pools: "all", "input", or numbers, 0 the input and k the k-th
            hidden layer; none with [].
        kind: of the examples: "closest", "noise" or "sign", as `_examples.examples` describes.
        strength: of examples, RMS per unit: the largest, or a sign step's; one, or one per pool.
        factor: on the distance of the nearest examples; 1: they are just beyond the boundary.
        steps: gradients that the search for an example takes.
        turns: batches in a row that take each pool; None: one. More for the input leave the lower
            layers fewer steps behind the upper ones, which every batch trains.
        pool: examples in each pool.
        refresh: share of a pool that is replaced at a time.
        refresh_every: batches drawn from a pool between two times.
        mix: share of a batch that is examples.
        train_below: whether the clean images of a batch train the layers below its pool's level,
            too; its examples never do.
        begin: epochs on clean images alone, before the pools are made; fewer than `epochs`.
        epochs: passes over the clean images.
        batch: clean images per step.
        learning_rate: the largest; it rises and falls once (`torch.optim.lr_scheduler.OneCycleLR`).
        decay: of weights, not of biases, decoupled from the gradient (`torch.optim.AdamW`).
        dropout_input: share of pixels left out of each image in training.
        dropout_hidden: share of each hidden layer's units left out.
        max_norm: largest L2 norm of the weights into a unit, kept to at each step that trains them;
            None: any.
        seed: of all that is random.
        box: range of a pixel.
        progress: called with each row of the history.
        checkpoint: where to go on, and to leave what is needed to.

    Returns:
        The history, a row per epoch: the mean `loss` of all that was trained on, the `error` of the
        clean images in percent, for each pool `layer…_error` of the examples drawn from it, in
        percent, and `layer…_distortion`, their mean length at the end of the epoch, RMS per unit;
        all as they were trained on. CONVERGED when the last epoch is done, or NON_FINITE.

    Raises:
        InputError: no images, a model or layers that it cannot train, or a setting out of range.
    """
    if len(images) == 0:
        raise InputError("expected at least one training image, found none; enlarge the part")
    stages = Stages(model)
    generator = torch.Generator().manual_seed(seed)
    pools = pools_of(
        stages, images, labels, box, layers=layers, kind=kind, strength=strength, factor=factor,
        steps=steps, size=pool, generator=generator,
    )  # fmt: skip
    if pools:
        check_use(pool, refresh, mix, min(batch, len(images)), begin, epochs)
    turns = one_for_each("turns", 1 if turns is None else turns, pools)
    in_turn = [one for one, times in zip(pools, turns, strict=True) for _ in range(times)]
    weights = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}],
        lr=learning_rate,
        fused=True,
    )
    per_epoch = math.ceil(len(images) / batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, learning_rate, total_steps=epochs * per_epoch, cycle_momentum=False
    )

    def trained(at: Tensor, drawn: Pool | None, tally: Tally) -> None:
        """One step on clean images and, of one pool, examples, by the layers above its level."""
        level, clean = 0 if drawn is None else drawn.level, len(at)
        points = stages.points(level, images[at.to(images.device)], trained=train_below)
        if drawn is not None:
            rows, made = drawn.draw(examples_beside(clean, mix))
            points, at = torch.cat([points, made]), torch.cat([at, rows])
        truth = labels[at.to(labels.device)]
        optimiser.zero_grad()  # to None: layers below do not even decay
        logits = stages.logits(points, level, (dropout_input, dropout_hidden), generator)
        loss = cross_entropy(logits, truth)
        loss.backward()
        tally.add(drawn, loss.detach(), logits.detach().argmax(dim=1) != truth, clean)
        if drawn is not None and drawn.batches % refresh_every == 0 and tally.is_finite():
            drawn.refresh(refresh)
        optimiser.step()
        schedule.step()
        if max_norm is not None:
            with torch.no_grad():
                for weight in weights:
                    if weight.grad is not None:  # it was trained in this step
                        weight.copy_(torch.renorm(weight, p=2, dim=0, maxnorm=max_norm))

    rows: list[Terms] = []
    resumed = None if checkpoint is None else checkpoint.resume()
    if resumed is not None:
        rows = resumed["rows"]
        optimiser.load_state_dict(resumed["optimiser"])
        schedule.load_state_dict(resumed["schedule"])
        generator.set_state(resumed["generator"])
        for one, found in zip(pools, resumed["pools"], strict=True):
            one.restore(found, images.device)
    begun = time.perf_counter() - (rows[-1]["seconds"] if rows else 0)
    for epoch in range(len(rows) + 1, epochs + 1):
        if epoch == begin + 1:
            for one in pools:
                one.fill()
        tally = Tally()
        order = torch.randperm(len(images), generator=generator)
        for step, at in enumerate(order.split(batch), start=(epoch - 1) * per_epoch):
            trained(at, in_turn[step % len(in_turn)] if pools and epoch > begin else None, tally)
        seconds = time.perf_counter() - begun
        rows.append({"iteration": epoch * per_epoch} | tally.row(pools) | {"seconds": seconds})
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
                    "pools": [one.state() for one in pools],
                }
            )
    optimiser.zero_grad()
    return rows, Status.CONVERGED
