"""Nets and comparisons that the tests of trainings share."""

import torch
from torch import nn

from blindspots.files import weights
from blindspots.trainers.loop import train


def net(seed=0, hidden=(9,), activation="relu"):
    settings = {"hidden": list(hidden), "activation": activation}
    return weights.create("mlp", settings, (1, 8, 8), 10, seed=seed)[0].train()


def assert_equal_weights(first, second):
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def timeless(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


class Falling(nn.Module):
    """A single weight whose gradient is 1: it falls by the learning rate at each step."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x):
        return self.weight + 0 * x.flatten(1)


SCORES = [0.5, 0.3, 0.4, 0.3, 0.2, 0.25, 0.2, 0.9, 0.1]
"""Validation errors by epoch: 0.2 is the best for three of them."""


class Killed(BaseException):
    pass


def falling(model, **settings):
    """Ten images in batches of two: five steps an epoch."""
    images, labels = torch.zeros(10, 1, 1, 1), torch.arange(10)
    given = {"batch": 2, "momentum": 0.0, "decay": 0.0, "learning_rate": 0.5} | settings
    return train(model, images, labels, lambda x, y, step: model(x).mean(), **given)
