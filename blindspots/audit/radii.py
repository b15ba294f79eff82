"""Lower bounds: product certificates recomputed, and none of any kind above what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from blindspots.audit.checks import Check, disagreement, relative_margins
from blindspots.audit.files import CHUNK, Claim, Images, Originals, rows, unaltered
from blindspots.audit.networks import Network, UnknownError

ABOVE, BELOW = 1e-9, 1e-3
"""Relative: by how much a certified radius may exceed ours, and may fall short of it: its bounds
of the layers are proven ones, a little larger."""

CERTAIN = 1e-5
"""Of the largest logit: an image nearer to a tie than this has radius 0."""

REJECTED = -1
"""The answer beyond the classes: no mistake."""

FAILED = "the certificate has no radius"


class Radius(NamedTuple):
    """A row of a table of certificates."""

    claim: Claim  # whose `lower` and `certificate` it has; no upper bound
    value: float


def read(tables: Sequence[str | Path], name: tuple[str, int]) -> tuple[list[Radius], int]:
    """The radii of one net, and how many rows have none."""
    columns = ("net", "seed", "dataset", "file", "index", "certificate", "radius")
    found = [row for path in tables for row in rows(path, columns) if row[:2] == name]
    radii = [
        Radius(
            Claim(net, seed, dataset, file, index, "any", None, None, None, radius, certificate),
            radius,
        )
        for net, seed, dataset, file, index, certificate, radius in found
        if radius is not None
    ]
    return radii, len(found) - len(radii)


def recomputed(
    radii: Sequence[Radius],
    failed: int,
    products: Sequence[str],
    originals: Mapping[Images, Originals],
    network: Network | UnknownError,
) -> Check:
    """The radii that follow from the product of the layers' norms.

    Args:
        radii: of one net, of all certificates.
        failed: rows without a radius.
        products: names of the certificates by the product.
        originals: the unaltered images, by dataset, seed and file.
        network: the net, or why it is not known.

    Raises:
        AuditError: names the first radius that is another.
    """
    check = Check("radius")
    check.left_out(failed, FAILED)
    ours = [radius for radius in radii if radius.claim.certificate in products]
    check.left_out(len(radii) - len(ours), "not by the product of the layers' bounds")
    for first in range(0, len(ours), CHUNK):
        part = ours[first : first + CHUNK]
        images, labels = unaltered(originals, [radius.claim for radius in part])
        try:
            if isinstance(network, UnknownError):
                raise network
            expected, margins = product_radii(network, images, labels)
        except UnknownError as error:
            check.left_out(len(part), str(error))
            continue
        found = np.array([radius.value for radius in part])
        uncertain = (found == 0) & (margins < CERTAIN * (1 + 1e-6))
        fine = (found >= expected * (1 - BELOW)) & (found <= expected * (1 + ABOVE))
        for place in np.flatnonzero(~(fine | uncertain)):
            claim, at_most = part[place].claim, f"{expected[place]:.12g}"
            what = f"radius of certificate {claim.certificate}"
            raise disagreement(claim, what, at_most, f"{found[place]:.12g}")
        compared = (expected > 0) & np.isfinite(expected) & ~uncertain
        check.passed(len(part), abs(found / np.where(compared, expected, 1) - 1)[compared])
    return check


def product_radii(
    network: Network, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The least margin_j / L_j over the other classes j (Szegedy et al. 2013, section 4.3).

    Args:
        network: the net.
        images: (n, *image) float64.
        labels: (n,).

    Returns:
        (n,) radii, 0 where the net is wrong; (n,) relative margins of the label.
    """
    logits = network.logits(images)
    others = np.arange(logits.shape[1]) != labels[:, None]
    margins = np.take_along_axis(logits, labels[:, None], axis=1) - logits
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.where(others, margins / network.slopes[labels], np.inf)
    return np.maximum(distances.min(axis=1), 0), relative_margins(logits, ~others)


def order(
    claims: Sequence[Claim],
    radii: Sequence[Radius],
    failed: int,
    attacks: Sequence[str | Path],
    originals: Mapping[Images, Originals],
    net: tuple[str, int],
) -> Check:
    """No radius of any certificate is above any distance at which the net was found wrong.

    Args:
        claims: the ledger's rows of one net; their lower bounds must be among the radii.
        radii: of the net, of all certificates.
        failed: rows without a radius.
        attacks: tables of the attacks on the net, and of witnesses.
        originals: the unaltered images, by dataset, seed and file.
        net: its name and seed.

    Raises:
        AuditError: names the first image whose bounds are crossed, or not the certificate's.
    """
    check = Check("order")
    nearest: dict[tuple[str, str, int], float] = {}
    certified = {(*_image(c), c.certificate): value for c, value in radii}
    for claim in claims:
        known = certified.get((*_image(claim), claim.certificate))
        if claim.lower != known:
            what = f"ledger's lower bound, by certificate {claim.certificate}"
            raise disagreement(claim, what, known, claim.lower)
        if claim.upper is not None:
            image = _image(claim)
            nearest[image] = min(claim.upper, nearest.get(image, np.inf))
    columns = ("net", "seed", "dataset", "file", "index", "attacked_prediction", "l2")
    for path in attacks:
        for *of, dataset, file, index, answer, l2 in rows(path, columns):
            part = originals[dataset, of[1], file]
            # One without success that has a length is outside the box, where radii hold, too.
            if (*of,) == net and l2 is not None and answer not in (
                part.labels[part.place(index)], REJECTED,
            ):  # fmt: skip
                image = dataset, file, index
                nearest[image] = min(l2, nearest.get(image, np.inf))
    for claim, value in radii:
        found = nearest.get(_image(claim))
        if found is None:
            check.left_out(1, "no perturbation was found")
        elif value > found:
            what = f"radius of certificate {claim.certificate}"
            raise disagreement(claim, what, f"at most the distance found, {found:.9g}", value)
        else:
            check.passed(1, [value / found] if found > 0 else [])
    check.left_out(failed, FAILED)
    return check


def _image(claim: Claim) -> tuple[str, str, int]:
    return claim.dataset, claim.file, claim.image
