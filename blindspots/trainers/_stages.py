"""A network cut at the outputs of its layers, as trainings that begin at any of them need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from blindspots.interface import UNIT_BOX, Box, InputError

RANGES: dict[type[nn.Module], Box] = {nn.Sigmoid: UNIT_BOX, nn.Tanh: Box(-1.0, 1.0)}
"""The box that a layer's output is in, by the function that ends it."""


class Stages:
    """The layers of a `torch.nn.Sequential`: each a module with parameters and what follows it.

    What is below layer 0, such as a `Flatten`, is a part of it. The output of layer k - 1, which is
    what layer k is shown, is called level k; level 0 is the image.
    """

    def __init__(self, model: nn.Module) -> None:
        """Cut.

        Raises:
            InputError: not a plain `torch.nn.Sequential`, or one without parameters.
        """
        if type(model) is not nn.Sequential:
            raise InputError(
                "model: expected layers one after the other (torch.nn.Sequential), such as mlp, "
                f"found {type(model).__name__}; choose another trainer for it"
            )
        trained = [i for i, layer in enumerate(model) if any(True for _ in layer.parameters())]
        if not trained:
            raise InputError("model: expected parameters to train, found none")
        self.model, self.cuts = model, [0, *trained[1:]]

    def above(self, level: int) -> nn.Sequential:
        """The part of the network that is shown a level; it shares the layers."""
        return self.model[self.cuts[level] :]

    def below(self, level: int) -> nn.Sequential:
        """The part that makes a level of images."""
        return self.model[: self.cuts[level]]

    def points(self, level: int, images: Tensor, *, trained: bool = False) -> Tensor:
        """The points (n, …) of a level that images (n, *image) have.

        Unless what is below is `trained` on them, it is as at evaluation: nothing of it changes, be
        it weights or running statistics.
        """
        if trained:
            return self.below(level)(images)
        with torch.no_grad(), self.at_rest():
            return self.below(level)(images)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """The model as it is at evaluation, within the block."""
        training = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(training)

    def box(self, level: int, images: Box) -> Box:
        """The range of a level's units, which is that of the images for level 0.

        Raises:
            InputError: no such level, or one whose units are in no box.
        """
        if not 0 <= level < len(self.cuts):
            raise InputError(
                f"layers: expected 0 (the input) to {len(self.cuts) - 1} (the last hidden layer), "
                f"found {level}"
            )
        if level == 0:
            return images
        last = self.model[self.cuts[level] - 1]
        if type(last) not in RANGES:
            raise InputError(
                f"layers: expected a sigmoid or tanh at the end of layer {level}, whose units are "
                f"in a box, found {type(last).__name__}; attack other layers"
            )
        return RANGES[type(last)]

    def logits(
        self, points: Tensor, level: int, rates: tuple[float, float], generator: torch.Generator
    ) -> Tensor:
        """Answers in training: from the points (n, …) of a level, with units left out at random.

        Args:
            points: of a level.
            level: which one.
            rates: shares of the input's and of the hidden layers' units that are left out; the
                others are scaled up, so that nothing is to be done at evaluation (Srivastava et
                al. 2014, "Dropout", with the scale on the training's side).
            generator: on the CPU; draws nothing for a rate of 0.

        Returns:
            (n, logits).
        """
        ends = [*self.cuts[level + 1 :], len(self.model)]
        for at, (begin, end) in enumerate(zip(self.cuts[level:], ends, strict=True), start=level):
            rate = rates[min(at, 1)]
            if rate:
                kept = torch.rand(points.shape, generator=generator).to(points.device) >= rate
                points = points * kept / (1 - rate)
            points = self.model[begin:end](points)
        return points
