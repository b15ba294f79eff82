"""Images in a folder, a subfolder per class: the layout of torchvision's ImageFolder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blindspots.datasets._images import decoded, same_shape
from blindspots.datasets._labels import shares
from blindspots.interface import UNIT_BOX, Dataset, InputError, Part
from blindspots.limits import Count, Share

TEST = ("test", "val", "validation")
"""Names of the subfolder with the held-out images, if there is one beside `train`."""


def folder(
    *,
    root: str,
    size: Count | None = 224,
    grey: bool = False,
    test_share: Share = 0.2,
    seed: int = 0,
) -> Dataset:
    """Images of any format that Pillow reads, scaled and cropped to a square.

    Either `root`/train/class/image and `root`/test/class/image ("val" will do, too), or
    `root`/class/image, of which a stratified share, drawn with `seed`, becomes the test set.
    Classes are numbered in the order of their names. Links are followed only within `root`. All
    images are held in memory: 0.6 GB for 1 000 of 224 × 224 pixels.

    Args:
        root: folder with the images.
        size: pixels of a side, to which each image's middle square is scaled; None: images stay as
            they are, and must be of one size.
        grey: one channel instead of three.
        test_share: share of the images that becomes the test set, if there is no test folder.
        seed: seed of the draw of that share.

    Returns:
        Images (n, 1 or 3, height, width) in [0, 1].

    Raises:
        InputError: no such folder, one without classes or images, an image that cannot be read,
            images of several sizes, or a link that leaves the folder.
    """
    path = Path(root)
    held_out = next((path / name for name in TEST if (path / name).is_dir()), None)
    if (path / "train").is_dir() and held_out is not None:
        names = _classes(path / "train")
        if (found := _classes(held_out)) != names:
            odd = sorted(set(found) ^ set(names))[0]
            raise InputError(
                f"{held_out}: expected the classes of {path / 'train'}, found that only one of the "
                f"two has {odd!r}; add it to the other"
            )
        parts = (path / "train", held_out)
        train, test = (_read(path, part, names, size, grey) for part in parts)
        same_shape(train, test, str(held_out))
        return Dataset(train, test, len(names), UNIT_BOX, names)
    names = _classes(path)
    every = _read(path, path, names, size, grey)
    first, second = shares(every.labels, test_share, seed)
    train, test = (Part(every.images[rows], every.labels[rows]) for rows in (first, second))
    return Dataset(train, test, len(names), UNIT_BOX, names)


def _classes(path: Path) -> list[str]:
    inside = path.iterdir() if path.is_dir() else ()
    names = sorted(p.name for p in inside if p.is_dir() and not p.name.startswith("."))
    if len(names) < 2:
        raise InputError(
            f"{path}: expected a folder with a subfolder of images for each of at least two "
            f"classes, found {len(names)}; set data.root to such a folder"
        )
    return names


def _read(root: Path, path: Path, names: list[str], size: int | None, grey: bool) -> Part:
    files = [(file, c) for c, name in enumerate(names) for file in _files(path / name)]
    _check_inside(root, [file for file, _ in files])
    images = decoded([(str(file), file) for file, _ in files], size=size, grey=grey)
    return Part(images, np.array([c for _, c in files], dtype=np.int64))


def _check_inside(root: Path, files: list[Path]) -> None:
    """Refuse links out of the folder, by which its author could show any local image."""
    whole = root.resolve()
    for file in files:
        if not file.resolve().is_relative_to(whole):
            raise InputError(
                f"{file}: expected images inside of {root}, found a link out of it, to "
                f"{file.resolve()}; copy what it leads to into the folder"
            )


def _files(path: Path) -> list[Path]:
    found = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    deeper = next((p for p in found if p.is_dir()), None)
    if deeper is not None:
        raise InputError(
            f"{deeper}: expected images alone in the folder of a class, found a folder; move its "
            f"images up, or, if {path.name!r} is no class, call the two parts train and test"
        )
    if not found:
        raise InputError(f"{path}: expected at least one image, found none; add some")
    return found
