"""A user's models, named in configs by dotted path."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn


def folder(*, root):
    """A user's dataset, in a folder."""
    raise NotImplementedError


def two_layers(shape, classes, width=4):
    pixels = shape[0] * shape[1] * shape[2]
    return nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, classes)
    )


def convolutional(shape, classes, *, padding, hidden):
    """The small convolutional networks of Wong and Kolter 2018, and of ERAN."""
    return nn.Sequential(
        nn.Conv2d(shape[0], 16, 4, stride=2, padding=padding),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=padding),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(hidden, 100),
        nn.ReLU(),
        nn.Linear(100, classes),
    )


class Normalised(nn.Sequential):
    """Standardises its input: normalisation is inside the model."""

    def forward(self, x):
        return super().forward((x - 0.1307) / 0.3081)


def eran_convolutional(shape, classes):
    return Normalised(*convolutional(shape, classes, padding=0, hidden=800))


def rejecting(shape, classes):
    """A detector: one logit more than there are classes."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes + 1))
    nn.init.normal_(model[1].weight)
    with torch.no_grad():
        model[1].bias[classes] = -5.0
    return model


def mish(shape, classes):
    """A network with a layer that has no known Lipschitz bound."""
    pixels = shape[0] * shape[1] * shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 8), nn.Mish(), nn.Linear(8, classes))


def relu_net(hidden, seed):
    """A ReLU network on the unit square whose weights are eighths, the same on every processor."""
    rng = np.random.default_rng(seed)
    layers = [nn.Flatten()]
    for inputs, outputs in pairwise([2, *hidden, 3]):
        weight = np.round(8 * rng.standard_normal((outputs, inputs))) / 8
        if len(layers) == 1:  # the planes of the first units cross the square
            bias = -(weight * rng.integers(1, 8, weight.shape) / 8).sum(axis=1)
        else:
            bias = np.round(8 * rng.standard_normal(outputs)) / 16
        layer = nn.Linear(inputs, outputs).double()
        layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).requires_grad_(False)


def points_in_the_square(n):
    return torch.from_numpy(np.random.default_rng(7).uniform(size=(n, 1, 1, 2)))
