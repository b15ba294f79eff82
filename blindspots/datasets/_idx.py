"""Data sets in MNIST's file format and torchvision's folder layout, checked by sum or size."""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np

from blindspots.interface import Box, Dataset, InputError, Part

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
MOST = 2**28
"""Largest number of bytes read of a file, which may be compressed: five times the largest file."""

ENVIRONMENT = "BLINDSPOTS_DATA"


def load(name: str, root: str | None, md5: Mapping[str, str]) -> Dataset:
    """Read the four files of a data set, fetching them where no folder is named.

    Args:
        name: torchvision's class and folder name, such as "MNIST".
        root: folder that holds `name`/raw; None: the environment variable BLINDSPOTS_DATA, else
            torchvision downloads the files.
        md5: checksums of the decompressed files, where they are known.

    Raises:
        InputError: a file is missing, cannot be downloaded, or is not what it should be.
    """
    folder = root or os.environ.get(ENVIRONMENT)
    raw = (Path(folder) if folder else _download(name)) / name / "raw"
    parts = {}
    for part, files in FILES.items():
        images, labels = (
            _read(raw / file, name, md5.get(file), rank)
            for file, rank in zip(files, (3, 1), strict=True)
        )
        if len(images) != len(labels):
            raise InputError(
                f"{raw}: expected as many {part} images as labels, "
                f"found {len(images)} and {len(labels)}; fetch the files again"
            )
        parts[part] = Part(images[:, None].astype(np.float32) / 255, labels.astype(np.int64))
    return Dataset(parts["train"], parts["test"], classes=10, box=Box(0.0, 1.0))


def _download(name: str) -> Path:
    """Let torchvision fetch the files into the user's cache folder, whole or not at all."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "blindspots"
    if not (cache / name).exists():
        try:
            import torchvision

            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                getattr(torchvision.datasets, name)(folder, download=True)
                if not (cache / name).exists():  # another run may have been faster
                    (Path(folder) / name).rename(cache / name)
        except (ImportError, OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{name} was neither found nor could it be downloaded ({reason}); either name a "
                f"folder that holds {name}/raw by data.root in the config or by the environment "
                f"variable {ENVIRONMENT}, or connect to the internet and run again"
            ) from None
    return cache


def _read(path: Path, name: str, md5: str | None, rank: int) -> np.ndarray:
    compressed = path.with_name(path.name + ".gz")
    if not path.exists() and not compressed.exists():
        raise InputError(
            f"expected the file {path} (or {compressed.name}), found none; set data.root or "
            f"{ENVIRONMENT} to the folder that holds {name}/raw, or unset both to download it"
        )
    path = path if path.exists() else compressed
    try:
        with gzip.open(path) if path == compressed else path.open("rb") as file:
            content = file.read(MOST)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path}: expected a whole file, found one that cannot be read ({error}); "
            "fetch the file again"
        ) from None
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 and found != md5:
        raise InputError(
            f"{path}: expected md5 {md5}, found {found} ({len(content)} bytes); "
            "the file is truncated or altered, fetch it again"
        )
    return _parse(path, content, rank)


def _parse(path: Path, content: bytes, rank: int) -> np.ndarray:
    """The array in an IDX file of unsigned bytes: magic number 0x0800 + rank, sizes, values."""
    if content[:4] != bytes([0, 0, 8, rank]) or len(content) < 4 + 4 * rank:
        raise InputError(
            f"{path}: expected an IDX file of bytes with {rank} axes, found something else; fetch "
            "the file again"
        )
    shape = struct.unpack_from(f">{rank}I", content, 4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    if values.size != prod(shape):
        raise InputError(
            f"{path}: expected {prod(shape)} values, found {values.size}; "
            "the file is truncated or altered, fetch it again"
        )
    return values.reshape(shape)
