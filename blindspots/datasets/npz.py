"""Arrays of images and labels in a NumPy archive, as Keras lays them out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from blindspots.datasets._images import check_room, same_shape
from blindspots.datasets._labels import classes_of
from blindspots.files import given
from blindspots.interface import UNIT_BOX, Dataset, InputError, Part


def npz(
    *,
    file: str,
    x_train: str = "x_train",
    y_train: str = "y_train",
    x_test: str = "x_test",
    y_test: str = "y_test",
    channels: Literal["last", "first"] = "last",
) -> Dataset:
    """Images (n, height, width) or (n, height, width, channels), and labels (n,) or (n, 1).

    Pixels are bytes, which become [0, 1], or floating-point numbers in [0, 1]. Labels are the
    numbers of the classes, 0, 1, … Nothing is unpickled: arrays of objects are refused.

    Args:
        file: file that `numpy.savez` or `numpy.savez_compressed` wrote.
        x_train: name of the array of training images.
        y_train: name of the array of their labels.
        x_test: name of the array of test images.
        y_test: name of the array of their labels.
        channels: axis of the channels in arrays of four axes, "last" (Keras and TensorFlow) or
            "first" (PyTorch).

    Returns:
        Images (n, channels, height, width) in [0, 1].

    Raises:
        InputError: no such file or array, images of other types or values, labels that are not
            integers or not as many as images, or a class without images.
    """
    if channels not in ("first", "last"):
        raise InputError(f"data.channels: expected 'first' or 'last', found {channels!r}")
    arrays = _read(file, (x_train, y_train, x_test, y_test))
    train = _part(file, x_train, y_train, arrays, channels)
    test = _part(file, x_test, y_test, arrays, channels)
    same_shape(train, test, f"{file}: {x_test!r}")
    return Dataset(train, test, classes_of(train.labels, test.labels, file), UNIT_BOX)


def _read(file: str, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    given.check(file, "an .npz file")
    try:
        with Path(file).open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
                raise ValueError("a single array")
            for name in wanted:
                if name not in archive.files:
                    raise InputError(
                        f"{file}: expected an array {name!r}, found "
                        f"{given.listed(archive.files)}; name the arrays by data.x_train, "
                        "y_train, x_test and y_test"
                    )
            check_room(
                sum(
                    member.file_size
                    for member in archive.zip.infolist()
                    if member.filename.removesuffix(".npy") in wanted
                ),
                file,
            )
            arrays = {name: archive[name] for name in wanted}
            if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                raise ValueError("members that are not arrays")
            return arrays
    except InputError:
        raise
    except Exception as error:  # any error of NumPy on an arbitrary file
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file}: expected an .npz file of plain arrays, found one that cannot be read "
            f"({reason}); write it by numpy.savez"
        ) from None


def _part(file: str, x: str, y: str, arrays: dict[str, np.ndarray], channels: str) -> Part:
    images, labels = _images(f"{file}: {x!r}", arrays[x], channels), arrays[y]
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(
            f"{file}: {y!r}: expected integers (n,), a label for each image, found "
            f"{labels.dtype} of shape {labels.shape}; number the classes 0, 1, …, or take the "
            "argmax of one-hot rows"
        )
    if len(labels) != len(images):
        raise InputError(
            f"{file}: expected as many labels in {y!r} as images in {x!r}, {len(images)}, found "
            f"{len(labels)}"
        )
    return Part(images, labels.astype(np.int64))


def _images(where: str, found: np.ndarray, channels: str) -> np.ndarray:
    """Images (n, channels, height, width) float32 in [0, 1]."""
    if found.ndim == 4 and channels == "last":
        found = np.moveaxis(found, 3, 1)
    elif found.ndim == 3:
        found = found[:, None]
    if found.ndim != 4 or found.shape[1] not in (1, 3) or 0 in found.shape[2:]:
        hint = "; set data.channels" if found.ndim == 4 else ""
        raise InputError(
            f"{where}: expected images (n, height, width), or with 1 or 3 channels, found shape "
            f"{found.shape}, channels second{hint}"
        )
    if found.dtype == np.uint8:
        if found.size and found.max() == 1:
            raise InputError(
                f"{where}: expected bytes from 0 to 255, which become [0, 1], found none above 1; "
                "save them as floating-point numbers"
            )
        return found.astype(np.float32) / 255
    if found.dtype.kind != "f":
        raise InputError(
            f"{where}: expected bytes (uint8) or floating-point numbers in [0, 1], found "
            f"{found.dtype}; divide by the largest value"
        )
    if len(found) and not (found.min() >= 0 and found.max() <= 1):
        raise InputError(
            f"{where}: expected floating-point numbers in [0, 1], found {found.min():.4g} to "
            f"{found.max():.4g}; scale them: normalisation belongs inside the model"
        )
    return found.astype(np.float32)
