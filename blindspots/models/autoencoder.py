"""A sigmoid autoencoder with one hidden layer: images to images."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import nn

from blindspots.limits import Count
from blindspots.models.mlp import linear

OUTPUT = "images"
"""Output instead of logits: an experiment attacks such a net only if it names it."""


def autoencoder(shape: Sequence[int], classes: int, *, hidden: Count) -> nn.Sequential:
    """The autoencoder below AE400-10 (Szegedy et al. 2013, section 4.2).

    Args:
        shape: shape of an image.
        classes: not used; every model takes it.
        hidden: units of the hidden layer, the code.

    Returns:
        Images (n, *shape) to images; `encoder` maps them to codes (n, hidden) in [0, 1].
    """
    pixels = prod(shape)
    encoder = nn.Sequential(nn.Flatten(), linear(pixels, hidden), nn.Sigmoid())
    decoder = nn.Sequential(linear(hidden, pixels), nn.Sigmoid(), nn.Unflatten(1, tuple(shape)))
    model = nn.Sequential()
    model.add_module("encoder", encoder)
    model.add_module("decoder", decoder)
    return model
