"""A network cut at the outputs of its layers, for trainings that begin at any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from blindspots.interface import UNIT_BOX, Box, InputError
from blindspots.trainers._needs import trainable

RANGES: dict[type[nn.Module], Box] = {nn.Sigmoid: UNIT_BOX, nn.Tanh: Box(-1.0, 1.0)}
"""Box of a layer's output, by the activation that ends the layer."""


class Levels:
    """The layers of a `torch.nn.Sequential`: each a module with parameters and what follows it.

    Modules before the first layer, such as a `Flatten`, belong to it. The input of layer k, the
    output of layer k - 1, is called level k; level 0 is the image.
    """

    def __init__(self, model: nn.Module) -> None:
        """Cut the model.

        Raises:
            InputError: not a plain `torch.nn.Sequential`, or one without parameters.
        """
        if type(model) is not nn.Sequential:
            raise InputError(
                "model: expected layers one after the other (torch.nn.Sequential), such as mlp, "
                f"found {type(model).__name__}; choose another trainer for it"
            )
        trainable(model)
        trained = [i for i, layer in enumerate(model) if any(True for _ in layer.parameters())]
        self.model, self.cuts = model, [0, *trained[1:]]

    def above(self, level: int) -> nn.Sequential:
        """Return the part of the network from a level to the logits; it shares the layers."""
        return self.model[self.cuts[level] :]

    def below(self, level: int) -> nn.Sequential:
        """Return the part of the network from the images to a level."""
        return self.model[: self.cuts[level]]

    def points(self, level: int, images: Tensor, *, trained: bool = False) -> Tensor:
        """Return the values (n, …) of images (n, *image) at a level.

        Unless the part below is `trained`, it is in evaluation mode and gets no gradients: neither
        its weights nor its running statistics change.
        """
        if trained:
            return self.below(level)(images)
        with torch.no_grad(), self.at_rest():
            return self.below(level)(images)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Put the model into evaluation mode within the block."""
        training = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(training)

    def box(self, level: int, images: Box) -> Box:
        """Return the range of a level's units; at level 0 that is the images' box.

        Raises:
            InputError: no such level, or one whose units have no bounds.
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
        """Return the logits in training, from the values (n, …) at a level, with dropout.

        Args:
            points: values at the level.
            level: the level's number.
            rates: dropout rates of the input and of the hidden layers; kept units are scaled up, so
                that evaluation needs no scaling (Srivastava et al. 2014, "Dropout", with the scale
                applied in training).
            generator: on the CPU; not used for a rate of 0.

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
