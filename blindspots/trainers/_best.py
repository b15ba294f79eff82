"""Early stopping: the weights of the epoch that is best on the validation part."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from blindspots.interface import InputError
from blindspots.trainers.recipe import Rows, Tally, Terms


class Best:
    """Best validation so far, and its weights.

    Attributes:
        row: of the history, from 0; -1 before the first.
    """

    def __init__(
        self,
        model: nn.Module,
        patience: int | None,
        validation: tuple[Rows, Tensor] | None,
    ) -> None:
        """Prepare; nothing has been seen yet.

        Args:
            model: that is trained.
            patience: epochs in a row without a better one, at most; None: it is not looked at.
            validation: images and labels.

        Raises:
            InputError: nothing to validate by.
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
        """Look at the model as it is; the terms that the history has of that.

        Args:
            row: of the history.
            validate: as `recipe.Recipe` has it.
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
        """Return whether patience ends with a row of the history."""
        return self.patience is not None and row - max(self.row, 0) >= self.patience

    def put_back(self, rows: list[Terms]) -> None:
        """Give the model the best weights, and say so in the history."""
        if self.row >= 0:
            self.model.load_state_dict(self.weights)
            rows[self.row]["kept"] = 1.0

    def state(self) -> dict[str, Any]:
        """State that a resumed training needs."""
        return {name: getattr(self, name) for name in ("score", "row", "weights")}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        for name, value in state.items():
            setattr(self, name, value)
