"""Datasets that are made from the images of another: the contract of their methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from blindspots.config import methods
from blindspots.files.images import Images
from blindspots.interface import InputError, Part


def make(
    method: str, settings: Mapping[str, Any], source: Images, parents: Mapping[str, nn.Module],
    *, seed: int,
) -> Part:  # fmt: skip
    """Make a dataset's training or test images from those of another.

    Args:
        method: method of a derived dataset: a function of images (n, *image) and labels (n,), which
            may take `parents`, `seed`, `box`, `classes` and `file`, and returns as many of both.
        settings: settings of the method.
        source: all images of a prepared file.
        parents: models in evaluation mode, by the names that the method has for them.
        seed: seed of the method's draws.

    Raises:
        InputError: a result that breaks the contract.
    """
    function = methods.find("derived", method)
    offered = methods.accepted(
        function, parents=dict(parents), seed=seed, box=source.box, classes=source.classes,
        file=source.file,
    )  # fmt: skip
    found = function(source.images.clone(), source.labels.clone(), **offered, **settings)
    if not isinstance(found, tuple) or len(found) != 2:
        raise InputError(
            f"{method}: expected it to return images and labels, found {type(found).__name__}"
        )
    return Part(
        _like(source.images, found[0], f"{method}: images"),
        _like(source.labels, found[1], f"{method}: labels"),
    )


def _like(expected: torch.Tensor, found: Any, what: str) -> np.ndarray:
    """An array of a tensor's shape and type."""
    made = found.detach().cpu().numpy() if isinstance(found, torch.Tensor) else found
    like = expected.cpu().numpy()
    if getattr(made, "shape", None) != like.shape or made.dtype != like.dtype:
        raise InputError(
            f"{what}: expected a tensor or an array like that given, {like.shape} {like.dtype}, "
            f"found {type(found).__name__} {getattr(made, 'shape', ())} "
            f"{getattr(made, 'dtype', '')}"
        )
    return np.asarray(made)
