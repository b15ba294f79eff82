"""Checks of images made for one net and shown to others: lengths and answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from blindspots.audit.checks import Check
from blindspots.audit.files import CHUNK, AuditError, Images, Originals, batches
from blindspots.audit.networks import UnknownError
from blindspots.audit.recorded import (
    Net,
    Networks,
    _originals,
    assert_answers,
    assert_recorded,
    classes_of,
)

SINGLE = 1e-5
"""Bound on the relative rounding of images and lengths that were scaled in float32."""
HALF = 2.0**-24
"""Largest relative rounding of a number to float32."""

Rows = dict[str, np.ndarray]
Place = tuple[str, str, int]
"""Keys of an image: dataset, file and index."""


ATTACKED = ("dataset", "seed", "file", "index", "image", "success", "outcome")
"""Columns of an attack's table that are read."""
ORIGIN = ("source", "attack", "eps", "seed", "amplified_to")


class Origin(NamedTuple):
    """Origin of images: source, attack and amplification, or only a control."""

    source: str | None
    attack: str
    eps: float | None
    seed: int
    amplified_to: float | None


class Made(NamedTuple):
    """Images of an origin (float64), and whether its attack succeeded, by place."""

    images: dict[Place, np.ndarray]
    success: dict[Place, bool]

    @property
    def bytes(self) -> int:
        """Bytes that the images take."""
        return sum(image.nbytes for image in self.images.values())


KEPT = 2**28
"""Bytes of images that are kept for the next victim; beyond that, images are made again."""


def transfer(
    path: str | Path,
    pictures: str | Path,
    attacks: Mapping[tuple[str, int, str], Sequence[str | Path]],
    originals: Mapping[Images, Originals],
    networks: Networks,
) -> dict[Net, Check]:
    """Check the rows of one experiment's table of answers.

    Images made for sources are read from the attacks' tables, and amplified again. Of the images of
    controls, only the first are stored, in the table of pictures.

    Args:
        path: path of the table.
        pictures: the experiment's table of pictures.
        attacks: tables by net, seed and attack, one for each part of a split.
        originals: the unaltered images, by dataset, seed and file.
        networks: the nets, or the reasons why the audit does not cover them, by name and seed.

    Returns:
        A check "transfer" for each victim, of its answers and of the images' lengths.

    Raises:
        AuditError: names the first image whose record differs, or a picture that is not one of the
            table's images.
    """
    shown = _pictures(pictures, originals)
    checks: dict[Net, Check] = {}
    kept: dict[Origin, Made] = {}
    for victim, origin, rows in _runs(path):
        made = kept.get(origin)
        if made is None or not made.images.keys() >= {*_places(rows)}:
            made = Made(shown.get(origin, {}), {})
            if origin.source is not None:
                made = _made(attacks, origin, rows, originals, made.images, pictures)
            if sum(each.bytes for each in kept.values()) + made.bytes <= KEPT:
                kept[origin] = made
        said = rows["success"]
        success = [made.success.get(*of) for of in zip(_places(rows), said, strict=True)]
        assert_recorded(path, rows, "success", said == success, np.array(success))
        check = checks.setdefault(victim, Check("transfer"))
        network = networks.get(victim, UnknownError("no such net"))
        _answers(check, path, rows, made.images, originals, network)
    return checks


def _answers(check, path, rows: Rows, images, originals, network) -> None:
    places = _places(rows)
    known = np.array([place in images for place in places])
    check.left_out(int((~known).sum()), "images of a control that are not stored")
    if not known.any():
        return
    rows = {name: column[known] for name, column in rows.items()}
    stack = np.stack([images[place] for place, there in zip(places, known, strict=True) if there])
    befores, labels = _originals(originals, rows)
    assert_recorded(path, rows, "label", rows["label"] == labels, labels)
    length = np.sqrt(np.square(stack - befores).reshape(len(stack), -1).mean(axis=1))
    # A failed minimal attack has no length; one with a radius keeps the image that it tried.
    recorded, failed = rows["distortion"], ~rows["success"] & np.isnan(rows["eps"])
    near = np.abs(recorded - length) <= _rounding(length, stack)
    fine = np.where(np.isnan(recorded), failed, near)
    assert_recorded(path, rows, "distortion", fine, length)
    classes = classes_of(originals, rows)
    assert_answers(check, path, rows, stack, network, classes)


def _runs(path: str | Path) -> Iterator[tuple[Net, Origin, Rows]]:
    """Iterate over the table's rows by victim and origin of the images."""
    last, parts = None, list[Rows]()
    for rows in batches(path, 2**16):
        columns = (rows[name].tolist() for name in ("victim", "victim_seed", *ORIGIN))
        first = 0
        for key, run in groupby(zip(*columns, strict=True), _run):
            n = sum(1 for _ in run)
            if key != last and last is not None:
                yield *last, _joined(parts)
                parts = []
            last = key
            parts.append({name: column[first : first + n] for name, column in rows.items()})
            first += n
    if last is not None:
        yield *last, _joined(parts)


def _run(key: Sequence) -> tuple[Net, Origin]:
    return (key[0], key[1]), _origin(key[2:])


def _joined(parts: Sequence[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _origin(key: Sequence) -> Origin:
    source, attack, eps, seed, scale = key
    return Origin(source, attack, _known(eps), int(seed), _known(scale))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _pictures(path: str | Path, originals: Mapping[Images, Originals]) -> dict[Origin, dict]:
    """Check the originals in a table of pictures; return the images by origin, file and index."""
    found: dict[Origin, dict] = {}
    for rows in batches(path):
        befores, labels = _originals(originals, rows)
        keys = zip(*(rows[name] for name in ORIGIN), strict=True)
        for at, (key, place) in enumerate(zip(map(_origin, keys), _places(rows), strict=True)):
            if not np.array_equal(rows["original"][at], befores[at]):
                raise _other_picture(path, key, place, "the image")
            if rows["label"][at] != labels[at]:
                raise _other_picture(path, key, place, f"the label {labels[at]} of")
            found.setdefault(key, {})[place] = rows["image"][at].astype(np.float64)
    return found


def _other_picture(path, origin: Origin, place: Place, what: str) -> AuditError:
    made = f"{origin.attack} of {origin.source}" if origin.source else origin.attack
    return AuditError(
        f"audit: {path}: {made} (seed {origin.seed}), image {place[2]} of {place[1]}: expected "
        f"{what} in the table that it is from, found another; delete it and run the workflow again"
    )


def _made(attacks, origin: Origin, rows: Rows, originals, pictures, path_of_pictures) -> Made:
    """Return a source's images from an attack's tables, amplified, compared with the pictures."""
    tables = attacks.get((origin.source, origin.seed, origin.attack), ())
    if not tables:
        return Made(pictures, {})
    wanted, parts = set(_places(rows)), list[Rows]()
    for batch in chain.from_iterable(map(batches, tables)):
        at = np.array([place in wanted for place in _places(batch)])
        at &= np.isnan(batch["eps"]) if origin.eps is None else batch["eps"] == origin.eps
        parts.append({name: batch[name][at] for name in ATTACKED})
    if not parts:
        return Made({}, {})
    made = _joined(parts)
    shown = {place: pictures[place] for place in _places(made) if place in pictures}
    length = origin.amplified_to
    way = None if length is None else _way(made, rows, originals, shown, length)
    found: dict[Place, np.ndarray] = {}
    for batch in _chunks(made):
        images = batch["image"].astype(np.float64)
        if way is not None and length is not None:
            images = _amplified(batch, originals, length, way)
        found |= dict(zip(_places(batch), images, strict=True))
    for place, picture in shown.items():
        if not _is_picture_of(picture, found[place], length):
            raise _other_picture(path_of_pictures, origin, place, "the image")
    return Made(found, dict(zip(_places(made), made["success"], strict=True)))


def _is_picture_of(picture: np.ndarray, image: np.ndarray, amplified_to: float | None) -> bool:
    # Images that were scaled in float32 differ in the last digits.
    return bool(np.abs(picture - image).max() <= (0 if amplified_to is None else SINGLE))


class Way(NamedTuple):
    """Way to amplify images.

    Attributes:
        pooled: RMS of all perturbations together, if they have one factor; None: each has its own.
        clipped: whether the images were kept in the box.
    """

    pooled: float | None
    clipped: bool


def _way(made: Rows, rows: Rows, originals, shown: Mapping[Place, np.ndarray], length) -> Way:
    """Return the way to amplify an origin's images with which most of the record agrees.

    What still differs is an error of the record. Pictures count beside lengths: if a pixel would
    leave the box by only a thousandth, the difference in length is too small for float32.
    """
    counted = made["success"] & (made["outcome"] == "RIGHT")
    lengths = [
        _rms(batch["image"] - _originals(originals, batch)[0])
        for batch in _chunks({name: column[counted] for name, column in made.items()})
    ]
    pooled = float(np.sqrt(np.square(np.concatenate(lengths)).mean())) if lengths else length
    recorded = dict(zip(_places(rows), rows["distortion"], strict=True))
    agreeing = {Way(of, clipped): 0 for of in (None, pooled) for clipped in (False, True)}
    for batch in _chunks(made):
        places = _places(batch)
        said = np.array([recorded[place] for place in places])
        for way in agreeing:
            images = _amplified(batch, originals, length, way)
            found = _rms(images - _originals(originals, batch)[0])
            near = np.abs(said - found) <= _rounding(found, images)
            agreeing[way] += int((np.isnan(said) | near).sum())
            agreeing[way] += sum(
                place in shown and _is_picture_of(shown[place], image, length)
                for place, image in zip(places, images, strict=True)
            )
    return max(agreeing, key=agreeing.__getitem__)


def _amplified(batch: Rows, originals, length: float, way: Way) -> np.ndarray:
    """Return images (n, *image) whose perturbations are scaled to an RMS."""
    befores, _ = _originals(originals, batch)
    change = batch["image"] - befores
    rms = _rms(change)
    whole = rms if way.pooled is None else np.full_like(rms, way.pooled)
    scale = np.divide(length, whole, out=np.zeros_like(rms), where=rms > 0)
    images = befores + scale.reshape(-1, *[1] * (change.ndim - 1)) * change
    if not way.clipped:
        return images
    keys = zip(batch["dataset"], batch["seed"], batch["file"], strict=True)
    boxes = [originals[key].box for key in keys]
    return np.stack([np.clip(image, *box) for image, box in zip(images, boxes, strict=True)])


def _rounding(lengths: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Bounds (n,) on the rounding of lengths, also of short ones, from images kept in float32."""
    return SINGLE * lengths + HALF * _rms(images)


def _places(rows: Rows) -> list[Place]:
    keys = zip(rows["dataset"], rows["file"], rows["index"], strict=True)
    return [(dataset, file, int(index)) for dataset, file, index in keys]


def _chunks(rows: Rows) -> Iterator[Rows]:
    for first in range(0, len(rows["index"]), CHUNK):
        yield {name: column[first : first + CHUNK] for name, column in rows.items()}


def _rms(change: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(change).reshape(len(change), -1).mean(axis=1))
