"""Checks of upper bounds: every witness is looked up, measured, and shown to the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blindspots.audit.checks import Check, disagreement, relative_margins, ties
from blindspots.audit.files import CHUNK, Claim, Images, Originals, columns, stream, unaltered
from blindspots.audit.networks import Network, UnknownError
from blindspots.audit.threat import NORMS, lengths

ROUNDING = 1e-9
"""Generous bound on the relative rounding of a distance in float64."""


class Place(NamedTuple):
    """A row of an attack's table, and the distance of its image by norm."""

    path: str | Path
    row: int
    lengths: dict[str, float]


def check(
    claims: Sequence[Claim],
    tables: Sequence[str | Path],
    originals: Mapping[Images, Originals],
    network: Network | UnknownError,
) -> list[Check]:
    """Check the ledger's upper bounds of one net.

    Args:
        claims: rows of the ledger.
        tables: the attacks on the net.
        originals: the unaltered images, by dataset, seed and file.
        network: the net, or the reason why the audit does not cover it.

    Returns:
        Three checks: "distance", of witnesses from their images; "answer", of the net's answers to
        witnesses; "mistake", of its answers to images that it gets wrong unaltered.

    Raises:
        AuditError: names the first image whose bound differs from the files.
    """
    distance, answer, mistake = Check("distance"), Check("answer"), Check("mistake")
    witnesses: dict[str | Path, dict[int, list[Claim]]] = defaultdict(lambda: defaultdict(list))
    for claim, place in places(claims, tables):
        witnesses[place.path][place.row].append(claim)
    for path, by_row in witnesses.items():
        rows = np.array(sorted(by_row))
        for at, images in stream(path, rows):
            of = [by_row[row] for row in rows[at]]
            befores, labels = unaltered(originals, [claims[0] for claims in of])
            _measure(distance, of, images.astype(np.float64), befores, originals, path)
            _show(answer, of, images.astype(np.float64), labels, originals, network, path)
    themselves: dict[tuple[str, str, int], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.attack is None and claim.upper is not None:
            if claim.upper != 0:
                raise disagreement(claim, "upper bound of the image itself", 0, claim.upper)
            themselves[claim.dataset, claim.file, claim.image].append(claim)
    every = list(themselves.values())
    for first in range(0, len(every), CHUNK):
        of = every[first : first + CHUNK]
        shown = unaltered(originals, [claims[0] for claims in of])
        _show(mistake, of, *shown, originals, network, "ledger")
    return [distance, answer, mistake]


COLUMNS = ("net", "seed", "attack", "dataset", "file", "index", "attacked_prediction", "mistaken",
           "inside", *NORMS)  # fmt: skip


def places(claims: Sequence[Claim], tables: Sequence[str | Path]) -> list[tuple[Claim, Place]]:
    """Pair each claim of an attack with its witness: the attack's image nearest in distance."""
    wanted = [claim for claim in claims if claim.attack is not None]
    found: dict[Any, list[Place]] = {_aim(claim): [] for claim in wanted}
    for path in tables:
        rows = zip(*(column.tolist() for column in columns(path, COLUMNS).values()), strict=True)
        for row, values in enumerate(rows):
            image, (answer, mistaken, inside), far = values[:6], values[6:9], values[9:]
            for aim in {None, answer} if mistaken and inside else ():
                if (*image, aim) in found:
                    found[*image, aim].append(Place(path, row, dict(zip(NORMS, far, strict=True))))
    paired = []
    for claim in wanted:
        successes, upper = found[_aim(claim)], claim.upper
        if upper is None or not successes:
            raise disagreement(claim, "witness", f"one by {claim.attack}", "none")
        gaps = [abs(place.lengths[claim.norm] - upper) for place in successes]
        paired.append((claim, successes[gaps.index(min(gaps))]))
    return paired


def _aim(claim: Claim) -> tuple[Any, ...]:
    image = claim.dataset, claim.file, claim.image
    return claim.net, claim.seed, claim.attack, *image, claim.target


def _measure(
    check: Check, of: list[list[Claim]], images: np.ndarray, befores: np.ndarray,
    originals: Mapping[Images, Originals], path: str | Path,
) -> None:  # fmt: skip
    """Assert that witnesses lie in the box, at the ledger's distances."""
    far = lengths(images - befores)
    for place, claims in enumerate(of):
        image, what = images[place], f"witness in {path}"
        part = originals[claims[0].dataset, claims[0].seed, claims[0].file]
        if not part.inside(image[None]).all():
            lower, upper = part.box
            found = f"[{image.min():.9g}, {image.max():.9g}]"
            expected = f"pixels in [{lower.min()}, {upper.max()}]"
            raise disagreement(claims[0], what, expected, found)
        for claim in claims:
            assert claim.upper is not None
            distance = float(far[claim.norm][place])
            difference = abs(distance - claim.upper) / max(distance, np.finfo(np.float64).tiny)
            if not difference <= ROUNDING:
                expected = f"the ledger's distance in {claim.norm}, {claim.upper:.12g}"
                raise disagreement(claim, what, expected, f"{distance:.12g}")
            check.passed(1, [difference])


def _show(
    check: Check, of: list[list[Claim]], images: np.ndarray, labels: np.ndarray,
    originals: Mapping[Images, Originals], network: Network | UnknownError, path: str | Path,
) -> None:  # fmt: skip
    """Assert that the network answers with the target, or, for any goal, with a wrong class."""
    if isinstance(network, UnknownError):
        check.left_out(sum(map(len, of)), str(network))
        return
    logits, roundings = network.rounded(images)
    answers = np.arange(logits.shape[1])
    pairs = [(place, claim) for place, claims in enumerate(of) for claim in claims]
    accepted = [
        (answers != labels[place])
        & (answers < originals[claim.dataset, claim.seed, claim.file].classes)
        if claim.goal == "any"
        else answers == claim.target
        for place, claim in pairs
    ]
    margins = relative_margins(logits[[place for place, _ in pairs]], np.array(accepted))
    near = ties(logits, roundings)[[place for place, _ in pairs]]
    for at in np.flatnonzero(~(margins >= -near)):
        place, claim = pairs[at]
        wanted = f"other than {labels[place]}" if claim.goal == "any" else f"{claim.target}"
        found = f"{logits[place].argmax()} (relative margin {margins[at]:.3g})"
        raise disagreement(claim, f"witness in {path}", f"an answer {wanted}", found)
    check.passed(int((margins > 0).sum()))
    check.left_out(int((margins <= 0).sum()), "a tie within float32's rounding")
