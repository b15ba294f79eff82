"""Checks of recorded rows: lengths are measured again, and the net is evaluated again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from blindspots.audit.checks import REMEDY, Check, relative_margins, ties
from blindspots.audit.files import CHUNK, AuditError, Images, Originals, batches, count, metadata
from blindspots.audit.networks import ChanceError, Network, UnknownError
from blindspots.audit.threat import REJECTED, lengths, outcomes

ROUNDING = 1e-9
"""Generous bound on the relative rounding of a length in float64."""

MARGIN = 5e-6
"""Relative margin, over the largest logit, with which an answer counts."""

SINGLE = 1e-5
"""Generous bound on the rounding of a confidence in float32, without that of its logits."""

TIED = "a tie within float32's rounding"

Net = tuple[str, int]
Networks = Mapping[Net, Network | UnknownError]


def attacked(
    path: str | Path,
    net: Net,
    originals: Mapping[Images, Originals],
    network: Network | UnknownError,
) -> list[Check]:
    """Check the rows of one net in a table of attacked images or of witnesses.

    Args:
        path: path of the table.
        net: name and seed of the net.
        originals: the unaltered images, by dataset, seed and file.
        network: the net, or the reason why the audit does not cover it.

    Returns:
        Two checks: "length", of the RMS and the lengths in all norms, measured again; "attacked",
        of the net's answers to the images before and after, and their outcomes.

    Raises:
        AuditError: names the first image whose record differs.
    """
    length, answer = Check("length"), Check("attacked")
    for rows in batches(path):
        at = (rows["net"] == net[0]) & (rows["seed"] == net[1])
        rows = {name: column[at] for name, column in rows.items()}
        if not at.any():
            continue
        befores, labels = _originals(originals, rows)
        assert_recorded(path, rows, "label", rows["label"] == labels, labels)
        images = rows["image"].astype(np.float64)
        _measure(length, path, rows, images - befores)
        classes = classes_of(originals, rows)
        for before, shown in (("", befores), ("attacked_", images)):
            assert_answers(answer, path, rows, shown, network, classes, before)
        _assert_wrong(path, rows, images, originals, network)
    return [length, answer]


def clean(
    path: str | Path,
    prepared: Mapping[str, str | Path],
    network: Network | UnknownError,
) -> Check:
    """Check a net's answers to all unaltered images of a dataset.

    Args:
        path: path of the table.
        prepared: the prepared images, by file.
        network: the net, or the reason why the audit does not cover it.

    Raises:
        AuditError: names the first image whose record differs.
    """
    check = Check("clean")
    classes: int = metadata(next(iter(prepared.values())))["classes"]
    known = {file: batches(images) for file, images in prepared.items()}
    left: dict[str, dict[str, np.ndarray]] = {}
    expected, done = {file: count(images) for file, images in prepared.items()}, Counter[str]()
    for rows in batches(path, CHUNK):
        for file in dict.fromkeys(rows["file"]):
            here = {name: column[rows["file"] == file] for name, column in rows.items()}
            n = len(here["index"])
            places = np.arange(done[file], done[file] + n)
            done[file] += n
            if done[file] > expected.get(file, 0):
                break  # more rows than images
            assert_recorded(path, here, "index", here["index"] == places, places)
            images, labels = _next(known[file], left, file, n)
            assert_recorded(path, here, "label", here["label"] == labels, labels)
            if (here["status"] == "UNSUPPORTED").all():
                continue  # a net that does not classify
            shown = images.astype(np.float64)
            assert_answers(check, path, here, shown, network, classes)
    if done != expected:
        raise AuditError(
            f"audit: {path}: expected a row for each image of {expected}, found {dict(done)}; "
            f"{REMEDY}"
        )
    return check


def _next(stream, left, file: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the next n images and labels of a prepared file."""
    while file not in left or len(left[file]["label"]) < n:
        more = next(stream)
        before = left.get(file)
        left[file] = (
            more
            if before is None
            else {name: np.concatenate([before[name], more[name]]) for name in ("label", "image")}
        )
    taken = left[file]
    left[file] = {name: taken[name][n:] for name in ("label", "image")}
    return taken["image"][:n], taken["label"][:n]


def assert_recorded(
    path: str | Path, rows: Mapping[str, np.ndarray], what: str, fine: np.ndarray, found: np.ndarray
) -> None:
    """Reject the first row whose record differs from the recomputed value."""
    for at in np.flatnonzero(~fine)[:1]:
        net, seed = (
            next(rows[name][at] for name in names if name in rows)
            for names in (("victim", "net"), ("victim_seed", "seed"))
        )
        raise AuditError(
            f"audit: {rows['dataset'][at]}: net {net} (seed {seed}), image {rows['index'][at]} of "
            f"{rows['file'][at]}: {what} in {path}: expected {_shown(found[at])}, "
            f"found {_shown(rows[what][at])}; {REMEDY}"
        )


def _shown(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float | np.floating) else str(value)


def assert_answers(
    check: Check,
    path: str | Path,
    rows: Mapping[str, np.ndarray],
    images: np.ndarray,
    network: Network | UnknownError,
    classes: int,
    before: str = "",
) -> None:
    """Reject recorded answers that the net does not give, except within rounding of a tie.

    Also reject outcomes that do not follow from the answers, and wrong confidences.

    Args:
        check: check that counts the rows.
        path: path of the table.
        rows: columns of the table.
        images: (n, *image) float64, the images that the net answered.
        network: the net, or the reason why the audit does not cover it.
        classes: number of labels; an answer beyond them is recorded as `REJECTED`.
        before: prefix of the columns' names.
    """
    n, name = len(images), f"{before}prediction"
    given = rows[name].astype(float)
    if isinstance(network, UnknownError):
        if not isinstance(network, ChanceError):  # its outcome is the most frequent of many
            _assert_outcomes(path, rows, before)
        check.left_out(n, str(network))
        return
    logits, roundings = network.rounded(images)
    near = ties(logits, roundings)
    answered = ~np.isnan(given)
    finite = (np.abs(logits) <= np.finfo(np.float32).max).all(axis=1)  # as in float32
    assert_recorded(path, rows, name, answered == finite, logits.argmax(axis=1))
    check.passed(int((~answered).sum()))
    if not answered.any():
        _assert_outcomes(path, rows, before)
        return
    every, rows = rows, {column: values[answered] for column, values in rows.items()}
    logits, near, n = logits[answered], near[answered], int(answered.sum())
    places, recorded = np.arange(logits.shape[1]), rows[name][:, None]
    accepted = np.where(recorded == REJECTED, places >= classes, places == recorded)
    margins = np.full(n, -2.0)  # of an answer that the net cannot give
    possible = accepted.any(axis=1)
    margins[possible] = relative_margins(logits[possible], accepted[possible])
    found = logits.argmax(axis=1)
    found[found >= classes] = REJECTED
    assert_recorded(path, rows, name, margins >= -near, found)
    _assert_confidence(path, rows, f"{before}confidence", logits, near)
    _assert_outcomes(path, every, before)
    check.passed(int((margins > 0).sum()))
    check.left_out(int((margins <= 0).sum()), TIED)


def _assert_outcomes(path, rows, before: str) -> None:
    """Reject outcomes that do not follow from the answers."""
    expected = outcomes(rows[f"{before}prediction"].astype(float), rows["label"])
    said = rows[f"{before}outcome"]
    assert_recorded(path, rows, f"{before}outcome", said == expected, expected)


def _assert_confidence(path, rows, name: str, logits: np.ndarray, near: np.ndarray) -> None:
    """Reject a confidence that is not the largest softmax probability of the logits."""
    scale = np.abs(logits).max(axis=1)
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    found = share.max(axis=1) / share.sum(axis=1)
    said = rows[name]
    fine = np.isnan(said) | (np.abs(said - found) <= SINGLE + near * scale)
    assert_recorded(path, rows, name, fine, found)


def _assert_wrong(path, rows, images: np.ndarray, originals, network) -> None:
    """Reject flags of witnesses that do not follow from the images and the net's answers."""
    inside = np.array(
        [
            originals[key].inside(image[None])[0]
            for key, image in zip(images_of(rows), images, strict=True)
        ]
    )
    assert_recorded(path, rows, "inside", rows["inside"] == inside, inside)
    if isinstance(network, UnknownError):
        return
    logits, roundings = network.rounded(images)
    labels, near = rows["label"][:, None], ties(logits, roundings)
    places = np.arange(logits.shape[1])
    classes = classes_of(originals, rows)
    best = places == logits.argmax(axis=1)[:, None]
    for name, accepted in (
        ("mistaken", (places != labels) & (places < classes)),
        ("certain", best),
    ):
        margins = relative_margins(logits, accepted)
        sure, said = np.abs(margins - MARGIN) > near, rows[name].astype(bool)
        found = margins >= MARGIN
        assert_recorded(path, rows, name, ~sure | (said == found), found)


def _measure(
    check: Check, path: str | Path, rows: Mapping[str, np.ndarray], change: np.ndarray
) -> None:
    flat = change.reshape(len(change), -1)
    measured = lengths(change) | {"distortion": np.sqrt(np.square(flat).mean(axis=1))}
    for name, found in measured.items():
        there = ~np.isnan(rows[name])
        assert_recorded(path, rows, name, there | ~rows["success"], found)
        difference = np.abs(rows[name] - found) / np.maximum(found, np.finfo(float).tiny)
        assert_recorded(path, rows, name, ~there | (difference <= ROUNDING), found)
        check.passed(int(there.sum()) if name == "l2" else 0, difference[there])


def images_of(rows: Mapping[str, np.ndarray]) -> list[Images]:
    """Return the key of the prepared images of each row: dataset, seed and file."""
    keys = zip(rows["dataset"], rows["seed"], rows["file"], strict=True)
    return [(dataset, int(seed), file) for dataset, seed, file in keys]


def classes_of(originals: Mapping[Images, Originals], rows: Mapping[str, np.ndarray]) -> int:
    """Return the number of labels of the dataset that rows are about."""
    return originals[images_of(rows)[0]].classes


def _originals(
    originals: Mapping[Images, Originals], rows: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the unaltered images (n, *image) float64 of rows, and their labels (n,)."""
    found = [
        (originals[key], originals[key].place(int(index)))
        for key, index in zip(images_of(rows), rows["index"], strict=True)
    ]
    images = np.stack([part.images[place] for part, place in found]).astype(np.float64)
    return images, np.array([part.labels[place] for part, place in found])
