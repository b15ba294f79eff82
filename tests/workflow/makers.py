"""A user's datasets: derived with a net, derived without, and vectors with a range per feature."""

import numpy as np
import torch

from blindspots.interface import Box, Dataset, Part


def towards(images, labels, *, parents, box, classes, step=0.3):
    """Move images along a net's gradient towards the next class, and label them with it."""
    aims, x = (labels + 1) % classes, images.requires_grad_()
    loss = torch.nn.functional.cross_entropy(parents["net"](x), aims, reduction="sum")
    (slope,) = torch.autograd.grad(loss, x)
    return (images - step * slope.sign()).clamp(*box).detach(), aims


def relabelled(images, labels, *, seed, classes):
    """Return the same images with random labels."""
    drawn = torch.Generator().manual_seed(seed)
    return images, torch.randint(classes, labels.shape, generator=drawn)


def smaller(images, labels):
    """Return images of another shape than the given ones."""
    return images[..., 1:], labels


LOWER, UPPER = np.array([0, 0, -1.0]), np.array([2, 10, 1.0])
"""The box of `points`, with a range per feature."""


def points(*, boxed=True):
    """Return vectors of three features, each with a range of its own or without."""
    parts = []
    for n in (60, 24):
        labels = np.arange(n) % 3
        drawn = np.random.default_rng(n).uniform(0, [1, 1, 0.4], (n, 3))
        found = drawn + labels[:, None] * [0.2, 4, -0.3]
        parts.append(Part(found.astype(np.float32), labels.astype(np.int64)))
    return Dataset(*parts, 3, Box(LOWER, UPPER) if boxed else None)


def crooked():
    """Return points with a box of another shape."""
    found = points()
    return Dataset(found.train, found.test, 3, Box(LOWER[:2], UPPER[:2]))
