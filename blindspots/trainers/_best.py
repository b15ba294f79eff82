"""Early stopping: the weights of the epoch with the best validation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.interface import InputError
from blindspots.trainers.recipe import Loader, Tally, Terms


class Best:
    """Best validation so far, and its weights.

    Attributes:
        row: the best epoch's row of the history, from 0; -1 before the first, and as long as no
            validation is a number.
    """

    def __init__(
        self,
        model: nn.Module,
        patience: int | None,
        validation: tuple[Loader, Tensor] | None,
    ) -> None:
        """Prepare; nothing is validated yet.

        Args:
            model: the model that is trained.
            patience: epochs in a row without a better one, at most. None: no early stopping.
            validation: images and labels.

        Raises:
            InputError: patience without validation images.
        """
        if patience is not None and (validation is None or len(validation[0]) == 0):
            raise InputError(
                "patience: expected images to validate by, found none; enlarge the part "
                "validation under splits, or leave out patience"
            )
        self.model, self.patience, self.validation = model, patience, validation
        self.score, self.row = math.inf, -1
        self.weights: dict[str, Tensor] = {}

    def seen(
        self, row: int, validate: Callable[[Tensor, Tensor], Tensor] | None, batch: int
    ) -> Terms:
        """Validate the model as it is, and return the terms for the history.

        Args:
            row: the epoch's row of the history.
            validate: as in `recipe.Recipe`.
            batch: images at a time.
        """
        if self.validation is None:
            return {}
        images, labels = self.validation
        tally, training = Tally(), self.model.training
        self.model.eval()
        with torch.no_grad():
            for rows in torch.arange(len(images), device=labels.device).split(batch):
                x, y = images[rows], labels[rows]
                values = self.model(x).argmax(dim=1) != y if validate is None else validate(x, y)
                name = "validation_error" if values.dtype == torch.bool else "validation_loss"
                tally.add({name: values})
        self.model.train(training)
        terms = tally.row()
        (score,) = terms.values()
        if score < self.score:
            self.score, self.row = score, row
            self.weights = {n: t.clone() for n, t in self.model.state_dict().items()}
        return terms

    def is_past(self, row: int) -> bool:
        """Return whether patience has run out at a row of the history, after the best one."""
        return self.patience is not None and row - self.row >= self.patience

    def put_back(self, rows: list[Terms]) -> None:
        """Give the model its best weights, and mark their row of the history."""
        if self.row >= 0:
            self.model.load_state_dict(self.weights)
            rows[self.row]["kept"] = 1.0

    def state(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {name: getattr(self, name) for name in ("score", "row", "weights")}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, value in state.items():
            setattr(self, name, value)
