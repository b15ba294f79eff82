"""Toy of a trainer: a linear layer answers by the nearest mean, of a teacher's answers if any."""

import torch
from torch import nn

from blindspots.interface import Status


def nearest_mean(model, images, labels, *, classes, parents=None):
    if parents:
        labels = parents["teacher"](images).argmax(dim=1)
    (layer,) = (part for part in model.modules() if isinstance(part, nn.Linear))
    means = torch.stack([images[labels == k].flatten(1).mean(dim=0) for k in range(classes)])
    with torch.no_grad():
        layer.weight.copy_(means)
        layer.bias.copy_(-means.square().sum(dim=1) / 2)
    return [{"iteration": 0, "loss": 0.0, "seconds": 0.0}], Status.CONVERGED
