"""The room that images may move in: the box, one range per feature, and a mask of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from blindspots.interface import UNBOUNDED, Box, InputError
from blindspots.threat.rays import flat


class Room(NamedTuple):
    """Smallest and largest values of n flattened images, or of all of them.

    Attributes:
        lower: smallest values: a number, (1, features) or (n, features).
        upper: largest values, in one of these shapes.
        free: (1, features) or (n, features) bool, the features that may change; None: all.
    """

    lower: float | Tensor
    upper: float | Tensor
    free: Tensor | None = None

    def at(self, rows: Tensor) -> tuple[Any, Any]:
        """The smallest and the largest values of the images `rows` (k,)."""
        return _at(self.lower, rows), _at(self.upper, rows)

    def within(self, change: Tensor, rows: Tensor) -> Tensor:
        """Changes (k, …, features) of the images `rows` (k,), 0 where nothing may change."""
        if self.free is None:
            return change
        free = _at(self.free, rows)
        return change * free.view(len(free), *[1] * (change.ndim - 2), -1)

    def width(self, rows: Tensor) -> float | Tensor:
        """Length of the room's diagonal, over the root of the features: (k,), or one for all."""
        lower, upper = self.at(rows)
        if isinstance(lower, float) and isinstance(upper, float):
            return upper - lower
        span = torch.as_tensor(upper - lower)
        return span.norm(dim=1) / span.shape[1] ** 0.5


def room(images: Tensor, box: Box, mask: Tensor | None) -> Room:
    """The room of images (n, *image) in a box, where a mask of them or of one image allows.

    Raises:
        InputError: a mask of another shape or type.
    """
    lower, upper = flat(box)
    if mask is None:
        return Room(lower, upper)
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        found = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise InputError(f"mask: expected a tensor of torch.bool, found {found}")
    if mask.shape not in (images.shape, images.shape[1:]):
        raise InputError(
            f"mask: expected the shape of an image, {tuple(images.shape[1:])}, or of all of them, "
            f"found {tuple(mask.shape)}"
        )
    x = images.flatten(1)
    free = mask.to(images.device).expand(images.shape).flatten(1)
    return Room(torch.where(free, lower, x), torch.where(free, upper, x), free)


def checked_box(box: Any, images: Tensor) -> Box:
    """A box of two numbers, or of a tensor for each end with a value per feature.

    Args:
        box: the least and the largest value of a feature, each a number or of an image's shape;
            None: no box.
        images: (n, *image).

    Raises:
        InputError: an invalid box.
    """
    if box is None:
        return UNBOUNDED
    try:
        lower, upper = (_end(end, images) for end in box)
    except (TypeError, ValueError):
        raise InputError(
            f"box: expected the least and the largest value of a pixel, found {box!r}"
        ) from None
    for end in (lower, upper):
        if isinstance(end, Tensor) and end.shape != images.shape[1:]:
            raise InputError(
                f"box: expected a number, or one for each feature of {tuple(images.shape[1:])}, "
                f"found shape {tuple(end.shape)}"
            )
    ends = torch.as_tensor(lower), torch.as_tensor(upper)
    if not ((ends[0] <= ends[1]).all() and (ends[0] < ends[1]).any()):  # a feature may be constant
        raise InputError(
            f"box: expected the least value first, found {shown_range((lower, upper))}"
        )
    if isinstance(lower, Tensor) or isinstance(upper, Tensor):
        like = images.new_zeros(images.shape[1:])
        return Box(like + lower, like + upper)
    return Box(lower, upper)


def shown_range(box: Sequence[Any]) -> str:
    """A box, for messages."""
    lower, upper = box
    if isinstance(lower, float | int) and isinstance(upper, float | int):
        return f"[{lower:g}, {upper:g}]"
    return "a range for each feature"


def _end(end: Any, images: Tensor) -> Any:
    if isinstance(end, float | int):
        return float(end)
    found = torch.as_tensor(end, dtype=images.dtype, device=images.device)
    return float(found) if found.ndim == 0 else found


def _at(values: Any, rows: Tensor) -> Any:
    return values[rows] if isinstance(values, Tensor) and len(values) > 1 else values
