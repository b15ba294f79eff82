"""A softmax classifier on the code of a frozen autoencoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from blindspots.interface import InputError
from blindspots.models.mlp import linear

READINGS = {"biases": ("bias", {True: "in every layer", False: "none in the softmax"})}
"""Readings of the paper by setting, for the report (`report.readings`)."""


def encoded(
    shape: Sequence[int],
    classes: int,
    *,
    bias: bool = True,
    parents: Mapping[str, nn.Module],
) -> nn.Sequential:
    """AE400-10 of Szegedy et al. 2013, Table 1: the encoder's weights are not trained further.

    Args:
        shape: shape of an image.
        classes: number of logits.
        bias: whether the softmax has biases; the encoder keeps its own.
        parents: "encoder", a model with a part of that name, such as `autoencoder`.

    Returns:
        Images (n, *shape) to logits (n, classes).

    Raises:
        InputError: other parents.
    """
    if set(parents) != {"encoder"} or not hasattr(parents["encoder"], "encoder"):
        raise InputError(
            f"parents: expected 'encoder', a model with an encoder, found {sorted(parents)}"
        )
    encoder = parents["encoder"].get_submodule("encoder").requires_grad_(False)
    with torch.no_grad():
        units = encoder(torch.zeros(1, *shape)).shape[1]
    model = nn.Sequential()
    model.add_module("encoder", encoder)
    model.add_module("head", linear(units, classes, bias))
    return model
