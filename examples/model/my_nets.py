"""The code of the networks whose weights are in data/small.safetensors and data/wide.pth."""

from torch import nn


def convolutional(shape, classes, *, width=8):
    channels, height, width_in_pixels = shape
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(width * (height // 2) * (width_in_pixels // 2), classes),
    )
