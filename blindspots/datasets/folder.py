"""Images in a folder, a subfolder per class: the layout of torchvision's ImageFolder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blindspots.interface import UNIT_BOX, Dataset, InputError, Part

TEST = ("test", "val", "validation")
"""Names of the subfolder with the held-out images, where there is one beside `train`."""


def folder(
    *, root: str | None = None, size: int = 224, test_share: float = 0.2, seed: int = 0
) -> Dataset:
    """Coloured images of any format that Pillow reads, scaled and cropped to a square.

    Either `root`/train/class/image and `root`/test/class/image ("val" will do, too), or
    `root`/class/image, of which a stratified share, drawn with `seed`, becomes the test set.
    Classes are numbered in the order of their names. All images are held in memory: 0.6 GB for
    1 000 of 224 × 224 pixels.

    Args:
        root: the folder.
        size: pixels of a side.
        test_share: where there is no test folder.
        seed: of that share.

    Returns:
        Images (n, 3, size, size) in [0, 1].

    Raises:
        InputError: no such folder, one without classes or images, an image that cannot be read.
    """
    if root is None:
        raise InputError("data.root: expected the folder with the images, found none; add it")
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
        train, test = (_read(part, names, size) for part in (path / "train", held_out))
        return Dataset(train, test, len(names), UNIT_BOX)
    names = _classes(path)
    every = _read(path, names, size)
    first, second = _shares(every.labels, test_share, seed)
    train, test = (Part(every.images[rows], every.labels[rows]) for rows in (first, second))
    return Dataset(train, test, len(names), UNIT_BOX)


def _classes(path: Path) -> list[str]:
    names = sorted(p.name for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    if len(names) < 2:
        raise InputError(
            f"{path}: expected a folder with a subfolder of images for each of at least two "
            f"classes, found {len(names)}; set data.root to such a folder"
        )
    return names


def _read(path: Path, names: list[str], size: int) -> Part:
    files = [(file, c) for c, name in enumerate(names) for file in _files(path / name)]
    images = np.empty((len(files), 3, size, size), np.float32)
    for row, (file, _) in enumerate(files):
        images[row] = _image(file, size)
    return Part(images, np.array([c for _, c in files], dtype=np.int64))


def _files(path: Path) -> list[Path]:
    found = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if not found:
        raise InputError(f"{path}: expected at least one image, found none; add some")
    return found


def _image(file: Path, size: int) -> np.ndarray:
    """(3, size, size) in [0, 1]: the middle square of the image, scaled."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            square = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BILINEAR)
    except (OSError, UnidentifiedImageError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file}: expected an image, found a file that cannot be read ({reason}); "
            "replace or remove it"
        ) from None
    return np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / 255


def _shares(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training and of the test set, stratified."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(labels))
    try:
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=labels)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"data.test_share: expected a share that leaves each class an image on both sides, "
            f"found {share} of {len(labels)} images ({reason}); change it, or add images"
        ) from None
    return first, second
