"""LeNet-5: a small convolutional network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from blindspots.interface import InputError
from blindspots.models.mlp import ACTIVATIONS, Activation


def lenet(shape: Sequence[int], classes: int, *, activation: Activation = "relu") -> nn.Sequential:
    """LeNet-5 of LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning", figure 2.

    Departures that are usual today: max-pooling, full connections between the two convolutions, a
    linear last layer. Images of 28 × 28 pixels are padded to 32 × 32.

    Args:
        shape: (channels, height, width) of an image, at least 12 × 12 pixels.
        classes: number of logits.
        activation: "relu", "tanh" or "sigmoid".

    Returns:
        Images (n, *shape) to logits (n, classes). The initial weights are PyTorch's; with sigmoids,
        which do not learn from those, they are Glorot and Bengio's (2010) times 4, one over the
        sigmoid's slope at 0.

    Raises:
        InputError: images of another shape.
    """
    if len(shape) != 3 or min(shape[1:]) < 12:
        raise InputError(
            "model: expected images (channels, height, width) of 12 × 12 pixels or more for "
            f"lenet, found shape {tuple(shape)}"
        )
    nonlinear = ACTIVATIONS[activation]
    maps = nn.Sequential(
        nn.Conv2d(shape[0], 6, 5, padding=2),
        nonlinear(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nonlinear(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
    units = maps(torch.zeros(1, *shape)).shape[1]
    model = nn.Sequential(
        *maps,
        nn.Linear(units, 120),
        nonlinear(),
        nn.Linear(120, 84),
        nonlinear(),
        nn.Linear(84, classes),
    )
    if activation == "sigmoid":
        for parameter in model.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter, gain=4)
            else:
                nn.init.zeros_(parameter)
    return model
