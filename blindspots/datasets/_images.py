"""Images of a user's own: decoded by Pillow, of one shape."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blindspots.interface import InputError, Part


def decoded(
    sources: Sequence[tuple[str, Path | bytes | None]], *, size: int | None, grey: bool
) -> np.ndarray:
    """Images as arrays.

    Args:
        sources: a name for messages, and the file or its bytes, of each image.
        size: pixels of a side, to which each image's middle square is scaled; None: images stay as
            they are, and must be of one size.
        grey: one channel (Pillow's "L"), not three ("RGB").

    Returns:
        (n, 1 or 3, height, width) float32 in [0, 1].

    Raises:
        InputError: an image that cannot be read or has more than 8 bits per channel, or images of
            several sizes; names it.
    """
    if size is not None and size < 1:
        raise InputError(f"data.size: expected at least 1 pixel, or null, found {size}")
    images = np.empty((0, 0, 0, 0), np.float32)
    for row, (name, source) in enumerate(sources):
        image = _decoded(name, source, size, grey)
        if row == 0:
            images = np.empty((len(sources), *image.shape), np.float32)
        if image.shape != images.shape[1:]:
            (height, width), first = image.shape[1:], images.shape[2:]
            raise InputError(
                f"{name}: expected an image of {first[1]} × {first[0]} pixels as the first, "
                f"{sources[0][0]}, found {width} × {height}; scale all by data.size"
            )
        images[row] = image
    return images


def same_shape(train: Part, test: Part, where: str) -> None:
    """Refuse test images, from `where`, of another shape than the training images.

    Raises:
        InputError: names both shapes.
    """
    expected, found = train.images.shape[1:], test.images.shape[1:]
    if found != expected:
        raise InputError(
            f"{where}: expected images (channels, height, width) of {expected} as in training, "
            f"found {found}; scale all to one size"
        )


def _decoded(name: str, source: Path | bytes | None, size: int | None, grey: bool) -> np.ndarray:
    """(channels, height, width)."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if source is None:
        raise InputError(f"{name}: expected the bytes of an image, found none; remove the row")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            mode, stored = image.mode, [str(tile[3]) for tile in image.tile]
            plain = image.convert("L" if grey else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        unknown = isinstance(error, UnidentifiedImageError)  # its text has an address in memory
        reason = "no known format" if unknown else " ".join(str(error).split())
        raise InputError(
            f"{name}: expected an image, found what cannot be read as one ({reason}); "
            "replace or remove it"
        ) from None
    deep = [kind for kind in stored if ";16" in kind]  # Pillow has left their low bytes out
    if mode.startswith(("I", "F")) or deep:  # or has cut their values off at 255
        found = f"an image of mode {mode}" + (f", stored as {deep[0]}" if deep else "")
        raise InputError(f"{name}: expected 8 bits per channel, found {found}; convert it")
    if size is not None:
        plain = ImageOps.fit(plain, (size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain, dtype=np.float32) / 255
    return pixels[None] if grey else pixels.transpose(2, 0, 1)
