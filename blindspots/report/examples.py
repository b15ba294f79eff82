"""Example images of the report: the first of each experiment, with every net's answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from blindspots.families import radii
from blindspots.files import tables
from blindspots.report.pictures import IMAGE, ORIGIN, Pictures, png, values

IMAGES = 12
"""Maximum number of examples of each origin."""

EXAMPLES, BYTES = 480, 3 * 2**20
"""Limits of a page: examples, and bytes of their pictures before compression."""

Row = dict[str, Any]
Config = Mapping[str, Any]


class Said(NamedTuple):
    """An answer to an image.

    Attributes:
        outcome: see `threat.outcomes`; None: no finite answer.
        prediction: the class; -1: rejected; None: no finite answer.
        margin: the label's logit minus the largest of another class; None: no answer.
    """

    outcome: str | None
    prediction: int | None
    margin: float | None


class Answer(NamedTuple):
    """A victim's answers to an image.

    Attributes:
        victim: the victim's label.
        before: the answer to the unaltered image.
        after: the answer to the perturbed image.
    """

    victim: str
    before: Said
    after: Said


class Example(NamedTuple):
    """One image, before and after.

    Attributes:
        file: the image's file, "train" or "test".
        place: the image's row in the file.
        label: the image's class.
        distortion: RMS per pixel.
        factor: magnification of the shown perturbation.
        original: the original as a PNG in a data URI.
        perturbation: the magnified perturbation, around middle grey, as a PNG.
        perturbed: the perturbed image as a PNG.
        answers: the answers of all victims.
    """

    file: str
    place: int
    label: int
    distortion: float
    factor: float
    original: str
    perturbation: str
    perturbed: str
    answers: list[Answer]


class Group(NamedTuple):
    """Images of one origin: a label that names the origin, and some of the images."""

    label: str
    examples: list[Example]


def examples(
    config: Config,
    pictures: Mapping[str, str | Path],
    transfer: Mapping[str, str | Path],
    clean: Sequence[str | Path],
) -> dict[str, list[Group]]:
    """Return images of the first seed by experiment, grouped by origin.

    Images that several experiments show to the same victims are included once. Experiments and
    origins are taken in the order of the config until the page is full.

    Args:
        config: the run's config, checked.
        pictures: tables of pictures, by experiment.
        transfer: tables with `measurements.transfer.TRANSFER`, by experiment.
        clean: tables with `threat.answers.CLEAN` of all victims.
    """
    seed = config["seeds"][0]
    chosen = _chosen(config, pictures, seed)
    images = {of.key(place) for of, n in chosen.values() for at in of.first(n) for place in at}
    unaltered = _unaltered(clean, seed, images)
    found = {}
    for name, (of, n) in chosen.items():
        answers = _answers(transfer[name], seed, images, unaltered, config)
        found[name] = [
            Group(_label(origin, config), [_example(of, place, answers) for place in places])
            for origin, places in zip(of.origins, of.first(n), strict=True)
        ]
    return found


def origins(config: Config) -> int:
    """Return the number of a run's origins of images: by source, attack, radius and length."""
    made = 0
    for experiment in config["experiments"].values():
        attacks = sum(len(radii(config["attacks"][name])) for name in experiment["attacks"])
        made += len(experiment["sources"]) * attacks * (1 + len(experiment["amplify"]))
        made += len(experiment["controls"])
    return made


def _chosen(
    config: Config, pictures: Mapping[str, str | Path], seed: int
) -> dict[str, tuple[Pictures, int]]:
    """Choose the pictures of each experiment to show, and how many of each origin."""
    found: dict[str, tuple[Pictures, int]] = {}
    known: set[tuple] = set()
    room = EXAMPLES
    for name, path in pictures.items():
        if room <= 0:
            break
        of, experiment = Pictures(path, seed), config["experiments"][name]
        shown = (experiment["data"], experiment["part"], *experiment["victims"])
        made = experiment["clip"], experiment["amplify_by"]  # of amplified images
        keys = {o: (*o, *(made if o[-1] is not None else ()), *shown) for o in of.origins}
        of.origins = {o: places for o, places in of.origins.items() if keys[o] not in known}
        if of.origins:
            room = min(room, BYTES // of.bytes_each)
            of.origins = dict(islice(of.origins.items(), max(1, room)))
            known |= {keys[origin] for origin in of.origins}
            n = max(1, min(IMAGES, room // len(of.origins)))
            found[name] = of, n
            room -= n * len(of.origins)
    return found


def _example(of: Pictures, place: int, answers: Mapping[tuple, list[Answer]]) -> Example:
    row, original, image = of.rows[place], of.originals[place].astype(float), of.images[place]
    low, high = of.range
    change = image - original
    most, middle = np.abs(change).max(), (low + high) / 2
    factor = (high - low) / 2 / most if most > 0 else 1.0  # the largest change: black or white
    return Example(
        row["file"], row["index"], row["label"], float(np.sqrt(np.square(change).mean())),
        factor, png(original, low, high), png(middle + factor * change, low, high),
        png(image, low, high), answers[values(row, (*ORIGIN, *IMAGE))],
    )  # fmt: skip


def _label(origin: tuple, config: Config) -> str:
    source, attack, eps, amplified = origin
    if source is None:
        return f"control: {attack}"
    scale = f", amplified to {amplified:g}" if amplified is not None else ""
    radius = f" at eps {eps:g}" if eps is not None else ""
    return f"{config['nets'][source]['label']}, by {attack}{radius}{scale}"


def _rows(path: str | Path, seed: str, value: int, images: set[tuple]) -> Iterator[Row]:
    """Iterate over the rows of a seed that are about some images."""
    where = (pc.field(seed) == value) & pc.field("index").isin([index for *_, index in images])
    yield from (row for row in tables.read(path, where=where).to_pylist()
                if values(row, IMAGE) in images)  # fmt: skip


def _unaltered(paths: Sequence[str | Path], seed: int, images: set[tuple]) -> dict[tuple, Row]:
    """Return the answers to unaltered images, by net and image."""
    rows = (row for path in paths for row in _rows(path, "seed", seed, images))
    return {values(row, ("net", *IMAGE)): row for row in rows}


def _answers(
    path: str | Path, seed: int, images: set[tuple], unaltered: Mapping[tuple, Row], config: Config
) -> dict[tuple, list[Answer]]:
    """Return the victims' answers to an experiment's images, by origin and image."""
    found: dict[tuple, list[Answer]] = {}
    for row in _rows(path, "victim_seed", seed, images):
        if row["seed"] == seed:
            before = unaltered[values(row, ("victim", *IMAGE))]
            said = [Said(*values(answer, Said._fields)) for answer in (before, row)]
            answer = Answer(config["nets"][row["victim"]]["label"], *said)
            found.setdefault(values(row, (*ORIGIN, *IMAGE)), []).append(answer)
    return found
