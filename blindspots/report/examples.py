"""Perturbed images that one can look at: the first of each experiment, with every net's answer."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from PIL import Image

from blindspots import tables

IMAGES = 12
"""Of each source at most; fewer where images are large, so that the page stays small."""

BYTES = 3 * 2**20
"""Of all pictures together, before compression."""

ORIGIN = ("source", "attack", "amplified_to")
IMAGE = ("file", "index")

Row = dict[str, Any]
Config = Mapping[str, Any]


class Answer(NamedTuple):
    """A victim's answers to an image.

    Attributes:
        victim: its label.
        before: its answer to the unaltered image.
        margin_before: of the label's logit over the largest other.
        after: its answer to the perturbed image.
        margin: likewise.
    """

    victim: str
    before: int
    margin_before: float
    after: int
    margin: float


class Example(NamedTuple):
    """One image, before and after.

    Attributes:
        file: that it is from, "train" or "test".
        index: its row there.
        label: its class.
        distortion: RMS per pixel.
        factor: by which the perturbation is magnified.
        original: a PNG, as a data URI.
        perturbation: likewise, magnified, around middle grey.
        perturbed: likewise.
        answers: of every victim.
    """

    file: str
    index: int
    label: int
    distortion: float
    factor: float
    original: str
    perturbation: str
    perturbed: str
    answers: list[Answer]


class Group(NamedTuple):
    """Images of one origin: what they were made for, and some of them."""

    label: str
    examples: list[Example]


def examples(
    config: Config,
    pictures: Mapping[str, str | Path],
    transfer: Mapping[str, str | Path],
    clean: Sequence[str | Path],
) -> dict[str, list[Group]]:
    """Images of the first seed by experiment, grouped by what they were made for.

    Args:
        config: of the run, checked.
        pictures: tables of pictures, by experiment.
        transfer: tables with `_tables.TRANSFER`, likewise.
        clean: tables with `answers.CLEAN` of all victims.
    """
    seed = config["seeds"][0]
    shown = {name: _Pictures(path, seed) for name, path in pictures.items()}
    size = sum(of.bytes_each * len(of.origins) for of in shown.values())
    n = max(1, min(IMAGES, BYTES // max(size, 1)))
    images = {of.key(place) for of in shown.values() for at in of.first(n) for place in at}
    unaltered = _unaltered(clean, seed, images)
    found = {}
    for name, of in shown.items():
        answers = _answers(transfer[name], seed, images, unaltered, config)
        found[name] = [
            Group(_label(origin, config), [of.example(place, answers) for place in places])
            for origin, places in zip(of.origins, of.first(n), strict=True)
        ]
    return found


class _Pictures:
    """A table of pictures: its rows of one seed, with their images."""

    def __init__(self, path: str | Path, seed: int) -> None:
        table = tables.read(path)
        table = table.filter(pc.equal(table["seed"], seed)).combine_chunks()
        self.originals = tables.images(table, "original").astype(float)
        self.images = tables.images(table).astype(float)
        self.rows = table.drop_columns(["original", "image"]).to_pylist()
        self.range = (self.originals.min(), self.originals.max()) if self.rows else (0.0, 1.0)
        self.bytes_each = 3 * int(np.prod(self.originals.shape[1:]))
        self.origins: dict[tuple, list[int]] = {}
        for place, row in enumerate(self.rows):
            self.origins.setdefault(_values(row, ORIGIN), []).append(place)

    def first(self, n: int) -> Iterator[list[int]]:
        """Places of the first n rows of each origin."""
        return (places[:n] for places in self.origins.values())

    def key(self, place: int) -> tuple:
        return _values(self.rows[place], IMAGE)

    def example(self, place: int, answers: Mapping[tuple, list[Answer]]) -> Example:
        row, original, image = self.rows[place], self.originals[place], self.images[place]
        low, high = self.range
        change = image - original
        most, middle = np.abs(change).max(), (low + high) / 2
        factor = (high - low) / 2 / most if most > 0 else 1.0  # the largest change: black or white
        return Example(
            row["file"], row["index"], row["label"], float(np.sqrt(np.square(change).mean())),
            factor, png(original, low, high), png(middle + factor * change, low, high),
            png(image, low, high), answers[_values(row, (*ORIGIN, *IMAGE))],
        )  # fmt: skip


def png(image: np.ndarray, low: float, high: float) -> str:
    """An image (channels, height, width) as a PNG in a data URI; `low` is black, `high` white.

    Three channels are colours; of any other number the mean is shown, in grey.
    """
    scaled = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    grey = scaled.mean(axis=0) if len(image) != 3 else scaled.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.round(255 * grey).astype(np.uint8)).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _values(row: Row, names: Sequence[str]) -> tuple:
    return tuple(row[name] for name in names)


def _label(origin: tuple, config: Config) -> str:
    source, attack, amplified = origin
    if source is None:
        return f"nobody: {attack}"
    scale = f", amplified to {amplified:g}" if amplified is not None else ""
    return f"{config['nets'][source]['label']}, by {attack}{scale}"


def _rows(path: str | Path, seed: str, value: int, images: set[tuple]) -> Iterator[Row]:
    """The rows of a seed about some images."""
    where = (pc.field(seed) == value) & pc.field("index").isin([index for _, index in images])
    yield from (row for row in tables.read(path).filter(where).to_pylist()
                if _values(row, IMAGE) in images)  # fmt: skip


def _unaltered(paths: Sequence[str | Path], seed: int, images: set[tuple]) -> dict[tuple, Row]:
    """Answers to unaltered images, by net and image."""
    rows = (row for path in paths for row in _rows(path, "seed", seed, images))
    return {_values(row, ("net", *IMAGE)): row for row in rows}


def _answers(
    path: str | Path, seed: int, images: set[tuple], unaltered: Mapping[tuple, Row], config: Config
) -> dict[tuple, list[Answer]]:
    """The victims' answers to an experiment's images, by origin and image."""
    found: dict[tuple, list[Answer]] = {}
    for row in _rows(path, "victim_seed", seed, images):
        if row["seed"] == seed:
            before = unaltered[_values(row, ("victim", *IMAGE))]
            answer = Answer(
                config["nets"][row["victim"]]["label"], before["prediction"], before["margin"],
                row["prediction"], row["margin"],
            )  # fmt: skip
            found.setdefault(_values(row, (*ORIGIN, *IMAGE)), []).append(answer)
    return found
