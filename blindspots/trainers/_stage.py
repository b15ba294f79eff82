"""One stage of a training: its optimiser, its schedule, and its steps, one per batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from blindspots.interface import InputError
from blindspots.trainers._needs import check_images
from blindspots.trainers.recipe import Loader, Mean, Recipe, Step, Tally, Terms

Scheduled = float | Sequence[Sequence[float]]


class Settings(NamedTuple):
    """The settings of `loop.train` that every stage shares."""

    epochs: int
    batch: int
    optimiser: str
    learning_rate: Scheduled
    schedule: str
    momentum: Scheduled
    decay: float


class Stage:
    """State of a training: the model, its images and the progress.

    Attributes:
        number: the stage's, from 0.
        steps: how many it has.
        done: steps since the training began, earlier stages included.
    """

    def __init__(
        self,
        model: nn.Module,
        images: Loader,
        labels: Tensor,
        recipe: Recipe,
        settings: Settings,
        generator: torch.Generator,
        *,
        number: int,
        before: int,
    ) -> None:
        """Prepare; nothing is drawn or made yet.

        Args:
            model: the model to train.
            images: the net's.
            labels: the images' labels.
            recipe: this stage's.
            settings: those of all stages.
            generator: on the CPU.
            number: the stage's, from 0.
            before: steps of the earlier stages.

        Raises:
            InputError: no images, or another number of labels.
        """
        self.model, self.recipe, self.generator, self.number = model, recipe, generator, number
        self.images = images if recipe.images is None else recipe.images
        self.labels = labels if recipe.labels is None else recipe.labels
        check_images(self.images)
        if len(self.images) != len(self.labels):
            raise InputError(
                f"recipe: expected a label for each of the {len(self.images)} images of stage "
                f"{number}, found {len(self.labels)} labels; give the recipe labels with its images"
            )
        rate = settings.learning_rate if recipe.learning_rate is None else recipe.learning_rate
        epochs = settings.epochs if recipe.epochs is None else recipe.epochs
        self.settings = settings._replace(epochs=epochs, learning_rate=rate)
        self.per_epoch = math.ceil(len(self.images) / settings.batch)
        self.steps, self.before = self.per_epoch * epochs, before
        self.epoch = self.in_epoch = 0
        self.order, self.tally = torch.empty(0, dtype=torch.long), Tally()
        self.began = _random_state(generator)

    @property
    def done(self) -> int:
        return self.before + self.epoch * self.per_epoch + self.in_epoch

    @contextmanager
    def begun(self, resumed: Mapping[str, Any] | None) -> Iterator[None]:
        """Begin or resume a stage; parameters that it does not train need no gradient meanwhile.

        Args:
            resumed: what `state` returned.
        """
        every = [p for p in self.model.parameters() if p.requires_grad]
        trained = every if self.recipe.trained is None else list(self.recipe.trained)
        frozen = [p for p in every if not any(p is one for one in trained)]
        for parameter in frozen:
            parameter.requires_grad_(False)
        self.optimiser = _optimiser(trained, self.settings)
        self.schedule = self._schedule()
        if resumed is not None:
            self._restore(resumed)
        elif self.recipe.targets is not None:
            self.labels = self._targets(self.recipe.targets)
        try:
            yield
        finally:
            self.optimiser.zero_grad()
            for parameter in frozen:
                parameter.requires_grad_(True)

    def epochs(self, after: Callable[[], None]) -> Iterator[Terms]:
        """Run the remaining epochs, and yield the means of each.

        Args:
            after: called after each step.
        """
        while self.epoch < self.settings.epochs:
            if self.in_epoch == 0:
                self.began = _random_state(self.generator)
                if self.recipe.before_epoch is not None:
                    self.recipe.before_epoch(self.epoch)
                self.order = torch.randperm(len(self.images), generator=self.generator)
                self.tally = Tally()
            batches = self.order.to(self.labels.device).split(self.settings.batch)
            for rows in batches[self.in_epoch :]:
                self._step(rows)
                self.in_epoch += 1
                after()
            self.epoch, self.in_epoch = self.epoch + 1, 0
            yield self.tally.row()

    def state(self) -> dict[str, Any]:
        """Return what a resumed stage needs beside the model and the generator."""
        kept = None if self.recipe.state is None else self.recipe.state()
        return {
            "epoch": self.epoch,
            "in_epoch": self.in_epoch,
            "began": self.began,
            "order": self.order,
            "tally": self.tally.state(),
            "targets": None if self.recipe.targets is None else self.labels,
            "optimiser": self.optimiser.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "recipe": kept,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        device = self.labels.device
        self.epoch, self.in_epoch = state["epoch"], state["in_epoch"]
        self.order = state["order"]
        sums = {n: (total.to(device), *of) for n, (total, *of) in state["tally"].items()}
        self.tally = Tally(sums)
        if self.recipe.targets is not None:  # not made again: the model may be what makes them
            self.labels = state["targets"].to(device)
        self.optimiser.load_state_dict(state["optimiser"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.began = state["began"]
        if self.recipe.before_epoch is not None:
            self._begin_again(self.recipe.before_epoch)
        if self.recipe.restore is not None:
            self.recipe.restore(state["recipe"], device)

    def _begin_again(self, before_epoch: Callable[[int], None]) -> None:
        """Repeat `before_epoch` with its random state; leave model and random state as they are."""
        weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        now, device = self.generator.get_state(), self.labels.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            own, shared, cuda = self.began
            self.generator.set_state(own)
            torch.set_rng_state(shared)
            if device.type == "cuda" and cuda is not None:
                torch.cuda.set_rng_state(cuda, device)
            before_epoch(self.epoch)
        self.generator.set_state(now)
        self.model.load_state_dict(weights)

    def _step(self, rows: Tensor) -> None:
        epoch = self.epoch + self.in_epoch / self.per_epoch
        step = Step(self.done, epoch, rows, self.generator)
        self._set_rates(step)
        self.optimiser.zero_grad()  # to None: a parameter without a gradient must not decay either
        found = self.recipe.loss(self.images[rows], self.labels[rows], step)
        loss, terms = found if isinstance(found, tuple) else (found, {})
        loss.backward()
        self.optimiser.step()
        if self.schedule is not None:
            self.schedule.step()
        if self.recipe.after_step is not None:
            with torch.no_grad():
                self.recipe.after_step(step)
        mean = {"loss": Mean(loss.detach() * len(rows), len(rows))}
        self.tally.add(mean | dict(terms))

    def _schedule(self) -> torch.optim.lr_scheduler.OneCycleLR | None:
        rate = self.settings.learning_rate
        if isinstance(rate, Sequence) or self.settings.schedule == "constant":
            return None
        return torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, total_steps=self.steps, cycle_momentum=False
        )

    def _set_rates(self, step: Step) -> None:
        """Set the optimiser's settings that follow pairs [epoch, value]."""
        rate, momentum = self.settings.learning_rate, self.settings.momentum
        for group in self.optimiser.param_groups:
            if isinstance(rate, Sequence):
                group["lr"] = step.value(rate)
            if isinstance(momentum, Sequence) and "betas" in group:
                group["betas"] = (step.value(momentum), group["betas"][1])
            elif isinstance(momentum, Sequence):
                group["momentum"] = step.value(momentum)

    def _targets(self, targets: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Targets of all images, which replace the labels in the loss."""
        places = torch.arange(len(self.images), device=self.labels.device)
        with torch.no_grad():
            return torch.cat(
                [
                    targets(self.images[rows], self.labels[rows])
                    for rows in places.split(self.settings.batch)
                ]
            )


def _optimiser(parameters: list[nn.Parameter], settings: Settings) -> torch.optim.Optimizer:
    rate, momentum = (
        most if not isinstance(most, Sequence) else max(value for _, value in most)
        for most in (settings.learning_rate, settings.momentum)
    )
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, lr=rate, momentum=momentum, weight_decay=settings.decay,
            nesterov=momentum > 0,
        )  # fmt: skip
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=rate, betas=(momentum, 0.999), fused=True
    )


def _random_state(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the states of a training's generator and of PyTorch's own ones."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None
    return generator.get_state(), torch.get_rng_state(), cuda
