"""Users' images: decoded by Pillow, of one shape."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from blindspots.files import given
from blindspots.interface import InputError, Part

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile


def decoded(
    sources: Sequence[tuple[str, Path | bytes | None]], *, size: int | None, grey: bool
) -> np.ndarray:
    """Images as arrays.

    Args:
        sources: a name for messages, and the file or its bytes, of each image.
        size: pixels of a side, to which each image's middle square is scaled; None: images stay as
            they are, and must be of one size.
        grey: one channel (Pillow's "L") instead of three ("RGB").

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
            check_room(len(sources) * image.size * 4, name)
            images = np.empty((len(sources), *image.shape), np.float32)
        if image.shape != images.shape[1:]:
            (height, width), first = image.shape[1:], images.shape[2:]
            raise InputError(
                f"{name}: expected an image of {first[1]} × {first[0]} pixels as the first, "
                f"{sources[0][0]}, found {width} × {height}; scale all by data.size"
            )
        images[row] = image
    return images


def check_room(size: int, where: str) -> None:
    """Refuse images that would not fit in memory, before they are read.

    Args:
        size: bytes.
        where: their origin, for the message.

    Raises:
        InputError: names both sizes.
    """
    free = psutil.virtual_memory().available
    if size > free:
        raise InputError(
            f"{where}: expected images that fit in memory together, found {size / 2**30:.1f} GiB "
            f"of them and {free / 2**30:.1f} GiB free; scale them down, or take fewer"
        )


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
    """Return the image (channels, height, width), turned upright as its EXIF orientation says."""
    from PIL import ImageOps, UnidentifiedImageError
    from PIL.Image import Resampling

    if source is None:
        raise InputError(f"{name}: expected the bytes of an image, found none; remove the row")
    if isinstance(source, Path):
        given.check(source, "an image")
    try:
        with _opened(source) as image:
            mode, stored = image.mode, [str(tile[3]) for tile in image.tile]
            plain = _upright(image).convert("L" if grey else "RGB")
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except Exception as error:  # any error of a decoder on bytes that are not an image
        unknown = isinstance(error, UnidentifiedImageError)  # its text has an address in memory
        reason = "no known format" if unknown else " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}: expected an image, found what cannot be read as one ({reason}); "
            "replace or remove it"
        ) from None
    deep = [kind for kind in stored if ";16" in kind]  # Pillow has left their low bytes out
    if mode.startswith(("I", "F")) or deep:  # or has cut their values off at 255
        found = f"an image of mode {mode}" + (f", stored as {deep[0]}" if deep else "")
        raise InputError(f"{name}: expected 8 bits per channel, found {found}; convert it")
    if size is not None:
        plain = ImageOps.fit(plain, (size, size), Resampling.BILINEAR)
    pixels = np.asarray(plain, dtype=np.float32) / 255
    return pixels[None] if grey else pixels.transpose(2, 0, 1)


def _upright(image: ImageFile) -> Image:
    """Turn a photograph upright, as viewers do (EXIF 2.3, tag 0x112)."""
    from PIL.Image import Transpose

    turns = [
        Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
    ]  # fmt: skip
    try:
        orientation = image.getexif().get(0x112, 1)
    except Exception:  # tags that cannot be read; viewers show such images, too
        return image
    return image.transpose(turns[orientation - 2]) if orientation in range(2, 9) else image


def _opened(source: Path | bytes) -> ImageFile:
    """Open an image and read its header only.

    Images that another program would have to draw (PostScript), or that would fill the memory, are
    refused.
    """
    from PIL import Image as Pillow

    Pillow.init()
    formats = [name for name in Pillow.OPEN if name != "EPS"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # refused here
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        image = Pillow.open(file, "r", formats)
    most = Pillow.MAX_IMAGE_PIXELS
    if most is not None and image.width * image.height > most:
        image.close()
        raise InputError(
            f"expected an image of at most {most} pixels, found {image.width} × {image.height}; "
            "scale it down"
        )
    return image
