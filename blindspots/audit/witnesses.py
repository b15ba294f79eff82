"""Upper bounds: every witness is looked up, measured, and shown to the network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from blindspots.audit.checks import Check, disagreement, relative_margins
from blindspots.audit.files import CHUNK, Claim, Images, Originals, rows, stream, unaltered
from blindspots.audit.networks import Network, UnknownError

ROUNDING = 1e-9
"""Relative: of a distance in float64, many times over."""

TIE = 1e-5
"""Of the largest logit: nearer to a tie than this, float32 and float64 may have other answers."""


class Place(NamedTuple):
    """A row of an attack's table."""

    path: str | Path
    row: int
    l2: float


def check(
    claims: Sequence[Claim],
    tables: Sequence[str | Path],
    originals: Mapping[Images, Originals],
    network: Network | UnknownError,
) -> list[Check]:
    """The ledger's upper bounds of one net.

    Args:
        claims: rows of the ledger.
        tables: the attacks on the net.
        originals: the unaltered images, by dataset, seed and file.
        network: the net, or why it is not known.

    Returns:
        "distance", of witnesses from their images; "answer", the net's to witnesses; "mistake", its
        answers to images that it gets wrong unaltered.

    Raises:
        AuditError: names the first image whose bound is not what the files say.
    """
    distance, answer, mistake = Check("distance"), Check("answer"), Check("mistake")
    witnesses: dict[str | Path, list[tuple[Claim, int]]] = defaultdict(list)
    for claim, place in places(claims, tables):
        witnesses[place.path].append((claim, place.row))
    for path, found in witnesses.items():
        for at, images in stream(path, np.array([row for _, row in found])):
            shown = [found[i][0] for i in at]
            befores, labels = unaltered(originals, shown)
            _measure(distance, shown, images.astype(np.float64), befores, originals, path)
            _show(answer, shown, images.astype(np.float64), labels, originals, network, path)
    themselves = [c for c in claims if c.attack is None and c.upper is not None]
    for first in range(0, len(themselves), CHUNK):
        shown = themselves[first : first + CHUNK]
        for claim in shown:
            if claim.upper != 0:
                raise disagreement(claim, "upper bound of the image itself", 0, claim.upper)
        _show(mistake, shown, *unaltered(originals, shown), originals, network, "ledger")
    return [distance, answer, mistake]


COLUMNS = ("net", "seed", "attack", "dataset", "file", "index", "target", "success", "l2")


def places(claims: Sequence[Claim], tables: Sequence[str | Path]) -> list[tuple[Claim, Place]]:
    """For each claim with an attack, that attack's success nearest to it in distance."""
    wanted = [claim for claim in claims if claim.attack is not None]
    found: dict[Any, list[Place]] = {_aim(claim): [] for claim in wanted}
    for path in tables:
        for row, (*image, target, success, l2) in enumerate(rows(path, COLUMNS)):
            for aim in {None, target} if success else ():
                if (*image, aim) in found:
                    found[*image, aim].append(Place(path, row, l2))
    paired = []
    for claim in wanted:
        successes, upper = found[_aim(claim)], claim.upper
        if upper is None or not successes:
            raise disagreement(claim, "witness", f"a success of {claim.attack}", "none")
        gaps = [abs(place.l2 - upper) for place in successes]
        paired.append((claim, successes[gaps.index(min(gaps))]))
    return paired


def _aim(claim: Claim) -> tuple[Any, ...]:
    image = claim.dataset, claim.file, claim.image
    return claim.net, claim.seed, claim.attack, *image, claim.target


def _measure(
    check: Check, claims: list[Claim], images: np.ndarray, befores: np.ndarray,
    originals: Mapping[Images, Originals], path: str | Path,
) -> None:  # fmt: skip
    """That witnesses lie in the box, and as far from their images as the ledger says."""
    for claim, image, before in zip(claims, images, befores, strict=True):
        part, what = originals[claim.dataset, claim.seed, claim.file], f"witness in {path}"
        if not part.inside(image[None]).all():
            lower, upper = part.box
            found = f"[{image.min():.9g}, {image.max():.9g}]"
            raise disagreement(claim, what, f"pixels in [{lower.min()}, {upper.max()}]", found)
        distance = float(np.linalg.norm((image - before).ravel()))
        assert claim.upper is not None
        difference = abs(distance - claim.upper) / max(distance, np.finfo(np.float64).tiny)
        if not difference <= ROUNDING:
            expected = f"the ledger's distance {claim.upper:.12g}"
            raise disagreement(claim, what, expected, f"{distance:.12g}")
        check.passed(1, [difference])


def _show(
    check: Check, claims: list[Claim], images: np.ndarray, labels: np.ndarray,
    originals: Mapping[Images, Originals], network: Network | UnknownError, path: str | Path,
) -> None:  # fmt: skip
    """That the network answers the target, or for any goal not the label."""
    if isinstance(network, UnknownError):
        check.left_out(len(claims), str(network))
        return
    logits = network.logits(images)
    answers = np.arange(logits.shape[1])
    accepted = [
        (answers != label) & (answers < originals[claim.dataset, claim.seed, claim.file].classes)
        if claim.goal == "any"
        else answers == claim.target
        for claim, label in zip(claims, labels, strict=True)
    ]
    margins = relative_margins(logits, np.array(accepted))
    for place in np.flatnonzero(~(margins >= -TIE)):
        claim = claims[place]
        wanted = f"other than {labels[place]}" if claim.goal == "any" else f"{claim.target}"
        found = f"{logits[place].argmax()} (relative margin {margins[place]:.3g})"
        raise disagreement(claim, f"witness in {path}", f"an answer {wanted}", found)
    check.passed(int((margins > 0).sum()))
    check.left_out(int((margins <= 0).sum()), "a tie within float32's rounding")
