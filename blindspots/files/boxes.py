"""Boxes of images: checks, and conversion to and from the JSON in files.

Each end of a box is one number for all features, or an array of an image's shape; ±inf means no
limit. Arrays are float32 like images, so that an image can lie exactly on an end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from blindspots.interface import UNBOUNDED, Box, InputError


def encoded(box: Box) -> list[Any]:
    """Return a box for JSON: two numbers or nested lists of numbers; null for infinite ones."""
    return [_nulls(np.asarray(end).tolist()) for end in box]


def _nulls(values: Any) -> Any:
    if isinstance(values, list):
        return [_nulls(value) for value in values]
    return float(values) if np.isfinite(values) else None


def decoded(said: list[Any]) -> Box:
    """Return the box that `encoded` wrote, of numbers or arrays of float32."""
    return Box(*(_number(end, none) for end, none in zip(said, UNBOUNDED, strict=True)))


def _number(end: Any, none: float) -> Any:
    values = np.array(end, np.float64)  # NaN for null
    values = np.where(np.isnan(values), none, values)
    return values.astype(np.float32) if values.ndim else float(values)


def checked(box: Any, shape: tuple[int, ...], where: str) -> Box:
    """Check that a box fits images of a shape, and return it with arrays of float32.

    Args:
        box: the box that a dataset's method returned; None: no box.
        shape: shape of an image.
        where: origin of the box, for the message.

    Raises:
        InputError: ends of another shape or type, or a lower end above the upper one.
    """
    ends = []
    for name, end in zip(Box._fields, UNBOUNDED if box is None else box, strict=True):
        values = np.asarray(end)
        if values.shape not in ((), shape) or values.dtype.kind not in "iuf":
            raise InputError(
                f"{where}: box.{name}: expected a number, or an array of numbers of an image's "
                f"shape {shape}, found {values.dtype} of shape {values.shape}"
            )
        ends.append(values.astype(np.float32) if values.ndim else float(values))
    lower, upper = ends
    if not (np.all(lower <= upper) and np.any(lower < upper)):
        raise InputError(f"{where}: box: expected lower below upper, found {shown(Box(*ends))}")
    return Box(*ends)


def contains(box: Box, images: np.ndarray) -> np.ndarray:
    """Return whether images (n, *image) lie in a box, (n,) bool."""
    inside = (images >= box.lower) & (images <= box.upper)
    return np.asarray(inside.reshape(len(images), -1).all(axis=1))


def reach(box: Box) -> float:
    """Return the largest distortion within a box, from corner to corner, RMS per pixel."""
    width = np.asarray(box.upper, np.float64) - np.asarray(box.lower, np.float64)
    return float(width) if width.ndim == 0 else float(np.sqrt(np.square(width).mean()))


def shown(box: Box) -> str:
    """Return a box as text for a message."""
    lower, upper = (np.asarray(end) for end in box)
    of = "" if lower.ndim == upper.ndim == 0 else ", with a range for each feature"
    return f"[{float(lower.min())}, {float(upper.max())}]{of}"
