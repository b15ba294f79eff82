"""Training on clean images mixed with adversarial examples for the outputs of single layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blindspots.interface import UNIT_BOX, Box
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
from blindspots.trainers._levels import Levels
from blindspots.trainers._pools import (
    check_use,
    examples_beside,
    one_for_each,
    pools_of,
)
from blindspots.trainers.loop import looped
from blindspots.trainers.recipe import Found, Mean, Recipe, Step, Term, Terms

READINGS = {
    "decay": ("decay", "decoupled from the gradient (AdamW)"),
    "pools": (
        "layers",
        "of {layers}, {kind}, at most {strength} RMS per unit, {mix:%} of a batch",
    ),
}
"""Readings of the paper by setting, for the report (`report.readings`)."""


@looped
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
    optimiser: Literal["adam"] = "adam",
    learning_rate: Positive = 3e-3,
    decay: NonNegative = 0.0,
    dropout_input: Annotated[float, at_least(0), below(1)] = 0.0,
    dropout_hidden: Annotated[float, at_least(0), below(1)] = 0.0,
    max_norm: Positive | None = None,
    box: Box = UNIT_BOX,
    generator: torch.Generator,
) -> Recipe:
    """Train in place on cross-entropy by Adam, pools of adversarial examples mixed in.

    Szegedy et al. 2013, section 4.2: each layer's output has a pool of adversarial examples, which
    are mixed into the training set and train all layers above; a random subset of each pool is
    continuously replaced; layers take turns. Here each batch of clean images takes examples of one
    pool, in turn, and trains the layers above that pool's level on both; the layers below stay as
    they are, in evaluation mode (unless `train_below`). Details that the paper does not give are
    settings. Dropout is applied to the layers above only.

    Without pools (`layers: []`) it is the baseline for weight decay and dropout: the same steps
    over the same clean images.

    Args:
        model: maps images to logits; a `torch.nn.Sequential`.
        images: (n, *image) in the box.
        labels: (n,).
        layers: layers whose outputs have pools: "all", "input", or numbers, 0 the input and k the
            k-th hidden layer; [] for no pools.
        kind: "closest", "noise" or "sign", as `_examples.examples` describes.
        strength: largest distance of an example, or a sign step's, RMS per unit; one for all pools,
            or a list with one per pool.
        factor: multiplies the distance of the nearest examples; at 1 they are just beyond the
            boundary.
        steps: gradients that the search for an example takes.
        turns: batches in a row that take each pool; None: one. More for the input leave the lower
            layers fewer steps behind the upper ones, which every batch trains.
        pool: examples in each pool.
        refresh: share of a pool that is replaced at a time.
        refresh_every: batches drawn from a pool between two times.
        mix: share of a batch that is examples.
        train_below: whether a batch's clean images also train the layers below its pool's level;
            its examples never do.
        begin: epochs on clean images only, before the pools are made; fewer than `epochs`.
        epochs: passes over the clean images.
        batch: clean images per step.
        optimiser: the optimiser of `loop.train`, whose other settings this trainer has as well.
        learning_rate: largest learning rate; it rises and falls once
            (`torch.optim.lr_scheduler.OneCycleLR`).
        decay: weight decay, not of biases, decoupled from the gradient (`torch.optim.AdamW`).
        dropout_input: dropout rate of the pixels.
        dropout_hidden: dropout rate of the hidden layers' units.
        max_norm: largest L2 norm of the weights into a unit, enforced after each step that trains
            them. None: no limit.
        box: range of a pixel.
        generator: on the CPU, for everything drawn at random.

    Returns:
        The history and the status of `loop.train`. The history has, taken while training, the mean
        `loss` over clean images and examples, the `error` of the clean images in percent, and for
        each pool `layer…_error` of the examples drawn from it, in percent, and
        `layer…_distortion`, the pool's mean distortion at the end of the epoch, RMS per unit.

    Raises:
        InputError: no images, a model or layers that cannot be trained this way, or a setting out
            of range.
    """
    levels = Levels(model)
    pools = pools_of(
        levels, images, labels, box, layers=layers, kind=kind, strength=strength, factor=factor,
        steps=steps, size=pool, generator=generator,
    )  # fmt: skip
    if pools:
        check_use(pool, refresh, mix, min(batch, len(images)), begin, epochs)
    turns = one_for_each("turns", 1 if turns is None else turns, pools)
    in_turn = [one for one, times in zip(pools, turns, strict=True) for _ in range(times)]
    weights = [p for p in model.parameters() if p.ndim > 1]

    def loss(x: Tensor, y: Tensor, step: Step) -> Found:
        """Loss on clean images and on examples of one pool, by the layers above its level."""
        drawn = in_turn[step.number % len(in_turn)] if pools and step.epoch >= begin else None
        level, clean = 0 if drawn is None else drawn.level, len(x)
        points = levels.points(level, x, trained=train_below)
        if drawn is not None:
            rows, made = drawn.draw(examples_beside(clean, mix))
            points, y = torch.cat([points, made]), torch.cat([y, labels[rows.to(labels.device)]])
        logits = levels.logits(points, level, (dropout_input, dropout_hidden), generator)
        mean = cross_entropy(logits, y)
        wrong = logits.detach().argmax(dim=1) != y
        terms: dict[str, Term] = {
            "loss": Mean(mean.detach() * len(y), len(y)),
            "error": wrong[:clean],
        }
        if drawn is not None and len(y) > clean:
            terms[f"layer{level}_error"] = wrong[clean:]
        if drawn is not None and drawn.batches % refresh_every == 0 and mean.isfinite():
            drawn.refresh(refresh)
        return mean, terms

    def before_epoch(epoch: int) -> None:
        if epoch == begin:
            for one in pools:
                one.fill()  # a training that resumes within this epoch then restores its own

    def after_step(step: Step) -> None:
        if max_norm is not None:
            for weight in weights:
                if weight.grad is not None:  # it was trained in this step
                    weight.copy_(torch.renorm(weight, p=2, dim=0, maxnorm=max_norm))

    def row(terms: Terms) -> Terms:
        """Add the lengths of each pool's examples beside their errors."""
        found = {name: value for name, value in terms.items() if not name.startswith("layer")}
        for one in pools:
            error = f"layer{one.level}_error"
            if error in terms:
                found[error] = terms[error]
                found[f"layer{one.level}_distortion"] = one.lengths.mean().item()
        return found

    def restore(found: list[Any], device: torch.device) -> None:
        for one, state in zip(pools, found, strict=True):
            one.restore(state, device)

    return Recipe(
        loss, before_epoch=before_epoch, after_step=after_step, row=row,
        state=lambda: [one.state() for one in pools], restore=restore,
    )  # fmt: skip
