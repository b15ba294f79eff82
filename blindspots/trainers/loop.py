"""The loop of the trainers: batches, epochs, schedules, resuming, history, early stopping.

A trainer returns its loss or, where it needs more, a `Recipe`, or a list of recipes as the stages
of the training. `looped` turns such a function into a trainer with the settings of `train` as well.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from blindspots.interface import InputError, Status
from blindspots.limits import (
    Count,
    NonNegative,
    Pairs,
    Positive,
    at_least,
    below,
    moving,
    over_epochs,
)
from blindspots.trainers._best import Best
from blindspots.trainers._needs import check_images, trainable
from blindspots.trainers._stage import Settings, Stage
from blindspots.trainers.checkpoint import Checkpoint
from blindspots.trainers.recipe import Loader, Loss, Progress, Recipe, Terms

Recipes = Loss | Recipe | Sequence[Recipe]


def looped(trainer: Callable[..., Recipes]) -> Callable[..., tuple[list[Terms], Status]]:
    """Turn a function that says how to train into a trainer.

    The trainer has the settings of the function and those of `train`. Where both have one of the
    same name, the function's limits and default hold. The function may take `generator`, the random
    generator of the training.

    Args:
        trainer: takes the model, images, labels and settings; returns a loss, a `Recipe`, or a list
            of recipes, one per stage.

    Returns:
        A trainer with the arguments of `train` other than `recipe`.
    """
    own = inspect.signature(trainer).parameters
    shared = _shared()
    signature = inspect.Signature(
        [*(p for name, p in own.items() if name != "generator")]
        + [p for name, p in shared.items() if name not in own]
    )

    @wraps(trainer)
    def trained(*args: Any, **given: Any) -> tuple[list[Terms], Status]:
        bound = signature.bind(*args, **given)
        bound.apply_defaults()
        settings = bound.arguments
        model, images, labels = (settings.pop(name) for name in ("model", "images", "labels"))
        check_images(images)
        trainable(model)
        _start(model, settings["parents"])  # before the trainer: it may copy the model
        generator = torch.Generator().manual_seed(settings["seed"])
        mine = {name: value for name, value in settings.items() if name in own}
        if "generator" in own:
            mine["generator"] = generator
        recipe = trainer(model, images, labels, **mine)
        theirs = {n: value for n, value in settings.items() if n in shared and n != "parents"}
        return train(model, images, labels, recipe, generator=generator, **theirs)

    trained.__signature__ = signature  # type: ignore[attr-defined]
    return trained


def train(
    model: nn.Module,
    images: Loader,
    labels: Tensor,
    recipe: Recipes,
    *,
    epochs: Count = 10,
    batch: Count = 128,
    optimiser: Literal["sgd", "adam"] = "sgd",
    learning_rate: Positive | Annotated[Pairs, moving()] = 0.05,
    schedule: Literal["one_cycle", "constant"] = "one_cycle",
    momentum: Annotated[float, at_least(0), below(1)]
    | Annotated[Sequence[Sequence[float]], over_epochs(1)] = 0.9,
    decay: NonNegative = 5e-4,
    patience: Count | None = None,
    seed: int = 0,
    generator: torch.Generator | None = None,
    parents: Mapping[str, nn.Module] | None = None,
    validation: tuple[Loader, Tensor] | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[Terms], Status]:
    """Train in place, in mini-batches whose order is drawn anew for each epoch.

    Args:
        model: maps images to what the loss takes.
        images: (n, *image).
        labels: (n,).
        recipe: a loss, a `Recipe`, or a list of recipes, one per stage.
        epochs: passes over the images.
        batch: images per step; the last, smaller one of an epoch is used as well.
        optimiser: "sgd" with Nesterov momentum, whose decay includes biases (`torch.optim.SGD`); or
            "adam" with decay decoupled from the gradient, of weights but not biases
            (`torch.optim.AdamW`).
        learning_rate: largest learning rate; or pairs [epoch, rate] with straight lines between
            them, which replace `schedule`.
        schedule: "one_cycle": the rate rises and falls once (Smith and Topin 2018,
            "Super-convergence"); or "constant".
        momentum: Nesterov's momentum, or Adam's first beta; or pairs [epoch, value].
        decay: weight decay.
        patience: epochs without a better validation after which the training ends; it keeps the
            weights of the best epoch. None: all epochs, the last weights.
        seed: seeds the order of the images and what the trainer draws.
        generator: on the CPU; replaces the one that `seed` would make.
        parents: the net's parents by name; the training starts from the weights of "start".
        validation: images and labels that `patience` looks at.
        progress: called with each row of the history.
        checkpoint: resumes an interrupted training, and saves what resuming needs.

    Returns:
        The history, a row per epoch: `iteration` in steps; the mean `loss` and the recipe's terms,
        taken while training; `stage`, from 0, if there are several; with `patience` also
        `validation_error` in percent (or `validation_loss`), and `kept`, 1 in the row whose weights
        are kept. The status: COMPLETED after the last epoch; with `patience` CONVERGED when that
        ended the training, ITERATION_LIMIT if it had not by the last epoch; NON_FINITE
        if a loss, or the first validation, is not finite.

    Raises:
        InputError: no images, nothing to train, no validation images, a checkpoint beyond the last
            step, or a `start` parent of another model.
    """
    check_images(images)
    trainable(model)
    best = Best(model, patience, validation)
    _start(model, parents)
    generator = torch.Generator().manual_seed(seed) if generator is None else generator
    settings = Settings(epochs, batch, optimiser, learning_rate, schedule, momentum, decay)
    stages: list[Stage] = []
    for number, one in enumerate(recipe if isinstance(recipe, Sequence) else [recipe]):
        own = one if isinstance(one, Recipe) else Recipe(one)
        before = sum(stage.steps for stage in stages)
        stages.append(
            Stage(model, images, labels, own, settings, generator, number=number, before=before)
        )
    resumed = None
    if checkpoint is not None:
        checkpoint.assert_reached(sum(stage.steps for stage in stages))
        resumed = checkpoint.resume()
    rows: list[Terms] = []
    if resumed is not None:
        rows = resumed["rows"]
        generator.set_state(resumed["generator"])
        best.restore(resumed["best"])
    begun = time.perf_counter() - (0 if resumed is None else resumed["seconds"])

    def keep() -> None:
        """Save what resuming after this step needs, and the weights if they are asked for."""
        if checkpoint is not None:
            checkpoint.at(stage.done)
            checkpoint.keep(
                lambda: {
                    "rows": rows,
                    "seconds": time.perf_counter() - begun,
                    "generator": generator.get_state(),
                    "best": best.state(),
                    "stage": stage.number,
                    "of_stage": stage.state(),
                }
            )

    def said(means: Terms) -> Terms:
        """The history's row of an epoch."""
        row: Terms = {"iteration": stage.done}
        if len(stages) > 1:
            row["stage"] = stage.number
        row |= means
        if watched:
            row |= best.seen(len(rows), stage.recipe.validate, batch)
        row = row if stage.recipe.row is None else stage.recipe.row(row)
        return row | {"seconds": time.perf_counter() - begun}

    first = 0 if resumed is None else resumed["stage"]
    status = Status.COMPLETED if patience is None else Status.ITERATION_LIMIT
    for stage in stages[first:]:
        watched = patience is not None and stage is stages[-1]
        with stage.begun(resumed["of_stage"] if resumed and stage.number == first else None):
            if checkpoint is not None and stage.done == 0:
                checkpoint.at(0)
            for means in stage.epochs(keep):
                rows.append(said(means))
                if progress is not None:
                    progress(rows[-1])
                if not math.isfinite(rows[-1]["loss"]) or (watched and best.row < 0):
                    return rows, Status.NON_FINITE
                if watched and best.is_past(len(rows) - 1):
                    status = Status.CONVERGED
                    break
    best.put_back(rows)
    return rows, status


def _start(model: nn.Module, parents: Mapping[str, nn.Module] | None) -> None:
    """Give the model the weights of the parent named start, if there is one."""
    if not parents or "start" not in parents:
        return
    try:
        model.load_state_dict(parents["start"].state_dict())
    except RuntimeError as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"parents.start: expected a net of the same model, found another ({said}); name another"
        ) from None


def _shared() -> dict[str, inspect.Parameter]:
    """The settings of `train` that every looped trainer has."""
    named = inspect.signature(train).parameters.values()
    return {p.name: p for p in named if p.kind is p.KEYWORD_ONLY and p.name != "generator"}
