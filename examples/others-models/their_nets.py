"""The architectures of the networks that others published, without their weights."""

from torch import nn


def convolutional(shape, classes, *, padding, hidden):
    """The small networks of Wong and Kolter 2018 and of ERAN: two convolutions, two layers."""
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
    """ERAN's networks take standardised images: that is part of the model."""

    def forward(self, x):
        return super().forward((x - 0.1307) / 0.3081)


def eran(shape, classes):
    return Normalised(*convolutional(shape, classes, padding=0, hidden=800))
