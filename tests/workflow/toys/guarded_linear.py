"""Toy of a model that rejects: a linear classifier, and a logit for images with no black pixel."""

import torch
from torch import nn


class GuardedLinear(nn.Module):
    def __init__(self, pixels, classes):
        super().__init__()
        self.linear = nn.Linear(pixels, classes)

    def forward(self, x):
        darkest = x.flatten(1).amin(dim=1, keepdim=True)
        return torch.cat([self.linear(x.flatten(1)), 1e4 * darkest - 100], dim=1)


def guarded_linear(shape, classes):
    return GuardedLinear(shape[0] * shape[1] * shape[2], classes)
