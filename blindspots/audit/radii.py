"""Checks of lower bounds: recomputed product certificates, and none above a distance found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from blindspots.audit.checks import Check, disagreement, relative_margins
from blindspots.audit.files import CHUNK, Claim, Images, Originals, columns, unaltered
from blindspots.audit.networks import Network, UnknownError
from blindspots.audit.threat import NORMS, follows

ABOVE, BELOW = 1e-9, 1e-3
"""Relative differences by which a certified radius may exceed the recomputed one, and fall short of
it, as its proven bounds of the layers are a little larger."""

CERTAIN = 1e-5
"""Relative margin, over the largest logit, below which an image has radius 0."""

FAILED = "the certificate has no radius"


class Radius(NamedTuple):
    """A row of a table of certificates.

    Attributes:
        claim: the claim with its `norm`, `target`, `lower` and `certificate`, no upper bound.
        value: the radius.
        box: whether it was proved inside the box only.
    """

    claim: Claim
    value: float
    box: bool


COLUMNS = (
    "net",
    "seed",
    "dataset",
    "file",
    "index",
    "certificate",
    "radius",
    "norm",
    "target",
    "region",
    "box",
)


def read(tables: Sequence[str | Path], name: tuple[str, int]) -> tuple[list[Radius], int]:
    """Return the radii of one net, without those of regions, and the number of rows without any."""
    radii, failed = [], 0
    for path in tables:
        found = columns(path, COLUMNS)
        for net, seed, dataset, file, index, certificate, radius, norm, target, region, box in zip(
            *found.values(), strict=True
        ):
            if (net, seed) != name or region is not None:
                continue
            if np.isnan(radius):
                failed += 1
                continue
            aim = None if target is None or np.isnan(target) else int(target)
            goal = "any" if aim is None else "target"
            claim = Claim(
                net, int(seed), dataset, file, int(index), norm or "l2", goal, aim, None, None,
                float(radius), certificate,
            )  # fmt: skip
            radii.append(Radius(claim, float(radius), bool(box)))
    return radii, failed


def recomputed(
    radii: Sequence[Radius],
    failed: int,
    products: Sequence[str],
    originals: Mapping[Images, Originals],
    network: Network | UnknownError,
) -> Check:
    """Check the radii that follow from the product of the layers' norms.

    Args:
        radii: radii of one net, of all certificates.
        failed: number of rows without a radius.
        products: names of the product certificates.
        originals: the unaltered images, by dataset, seed and file.
        network: the net, or the reason why the audit does not cover it.

    Raises:
        AuditError: names the first radius that differs.
    """
    check = Check("radius")
    check.left_out(failed, FAILED)
    ours = [radius for radius in radii if radius.claim.certificate in products]
    check.left_out(len(radii) - len(ours), "not certified by the product of the layers' bounds")
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
    """Return the least margin_j / L_j over the other classes j (Szegedy et al. 2013, section 4.3).

    Float32's rounding at the image is subtracted from each margin, its growth is added to L_j.

    Args:
        network: the net.
        images: (n, *image) float64.
        labels: (n,).

    Returns:
        (n,) radii, 0 if the net is wrong; (n,) relative margins of the label.
    """
    logits, rounding = network.rounded(images)
    others = np.arange(logits.shape[1]) != labels[:, None]
    least = np.take_along_axis(logits - rounding, labels[:, None], axis=1)
    margins = least - (logits + rounding)
    slopes = network.slopes[labels] + 2 * network.share * network.steepness
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.where(others, margins / slopes, np.inf)
    return np.maximum(distances.min(axis=1), 0), relative_margins(logits, ~others)


def order(
    claims: Sequence[Claim],
    radii: Sequence[Radius],
    failed: int,
    attacks: Sequence[str | Path],
    originals: Mapping[Images, Originals],
    net: tuple[str, int],
) -> Check:
    """Assert that no radius, in any norm that it implies, exceeds the distance of a known error.

    Args:
        claims: rows of the ledger about one net; their lower bounds must be the best implied.
        radii: radii of the net, of all certificates.
        failed: number of rows without a radius.
        attacks: tables of the attacks on the net, and tables of witnesses.
        originals: the unaltered images, by dataset, seed and file.
        net: name and seed of the net.

    Raises:
        AuditError: names the first image whose bounds are crossed or differ from the certificate's.
    """
    check, seen = Check("order"), _Nearest(attacks, net)
    of_image: dict[tuple[str, str, int], list[Radius]] = defaultdict(list)
    claimed: dict[tuple[str, str, int], list[Claim]] = defaultdict(list)
    for radius in radii:
        of_image[_image(radius.claim)].append(radius)
    for claim in claims:
        claimed[_image(claim)].append(claim)
    for place in dict.fromkeys([*of_image, *claimed]):
        there = of_image.get(place, [])
        known = {r: _in_every_norm(r, originals) for r in dict.fromkeys(there)}
        for claim in claimed.get(place, []):
            _assert_best(claim, known)
            if claim.upper is not None:
                seen.note(place, claim.norm, claim.target, claim.upper)
        for radius in there:
            quotients = list(_quotients(radius, known[radius], seen, place))
            if quotients:
                check.passed(1, [max(quotients)])
            else:
                check.left_out(1, "no perturbation was found")
    check.left_out(failed, FAILED)
    return check


Ends = Mapping[str, tuple[float, float]]
"""Least and largest value of a bound, by norm."""


def _in_every_norm(radius: Radius, originals: Mapping[Images, Originals]) -> Ends:
    claim = radius.claim
    reach = originals[claim.dataset, claim.seed, claim.file].reach(claim.image)
    return {norm: follows(radius.value, radius.claim.norm, norm, reach) for norm in NORMS}


def _assert_best(claim: Claim, known: Mapping[Radius, Ends]) -> None:
    """Assert that a lower bound of the ledger is the largest that its certificates imply."""
    what = f"ledger's lower bound in {claim.norm}, by certificate {claim.certificate}"
    fitting = {
        radius: ends[claim.norm]
        for radius, ends in known.items()
        if radius.claim.target in (None, claim.target) and not np.isnan(ends[claim.norm][0])
    }
    best = max((low for low, _ in fitting.values()), default=None)
    its = [ends for r, ends in fitting.items() if r.claim.certificate == claim.certificate]
    if best is None or claim.lower is None:
        fine = best is None and claim.lower is None
    else:
        fine = any(low <= claim.lower <= high for low, high in its) and claim.lower >= best
    if not fine:
        raise disagreement(claim, what, best, claim.lower)


def _quotients(
    radius: Radius, ends: Ends, seen: _Nearest, place: tuple[str, str, int]
) -> Iterator[float]:
    """Iterate over the ratios of a radius to the nearest distance by norm; reject any above 1."""
    for norm, (low, _) in ends.items():
        free = not radius.box and norm not in NORMS[:2]
        found = seen.at(place, norm, radius.claim.target, outside=free)
        if found is None or np.isnan(low):
            continue
        if low > found:
            what = f"radius of certificate {radius.claim.certificate} in {norm}"
            raise disagreement(radius.claim, what, f"at most the distance found, {found:.9g}", low)
        if found > 0 and norm == radius.claim.norm:
            yield low / found
        elif found == 0:
            yield 0.0


class _Nearest:
    """Distance from each image to one net's nearest known error, by norm and target (None: any)."""

    def __init__(self, attacks: Sequence[str | Path], net: tuple[str, int]) -> None:
        self.inside: dict[tuple, float] = {}
        self.outside: dict[tuple, float] = {}
        names = ("net", "seed", "dataset", "file", "index", "attacked_prediction", "mistaken",
                 "certain", "inside", *NORMS)  # fmt: skip
        for path in attacks:
            found = columns(path, names)
            ours = (found["net"] == net[0]) & (found["seed"] == net[1]) & found["mistaken"]
            rows = [found[name][ours.astype(bool)].tolist() for name in names[2:]]
            for dataset, file, index, answer, _, certain, inside, *far in zip(*rows, strict=True):
                for aim in (None, answer) if certain else (None,):
                    for norm, length in zip(NORMS, far, strict=True):
                        self.note((dataset, file, index), norm, aim, length, inside=inside)

    def note(
        self, place: tuple[str, str, int], norm: str, aim: float | None, length: float | None,
        *, inside: bool = True,
    ) -> None:  # fmt: skip
        """Record a distance of an error."""
        known, key = self.inside if inside else self.outside, (*place, norm, aim)
        if length is not None and not np.isnan(length):
            known[key] = min(length, known.get(key, np.inf))

    def at(
        self, place: tuple[str, str, int], norm: str, aim: int | None, *, outside: bool
    ) -> float | None:
        """Return the smallest distance, if any; `outside` includes images outside the box."""
        key = (*place, norm, aim)
        found = [self.inside.get(key), *([self.outside.get(key)] if outside else [])]
        return min((length for length in found if length is not None), default=None)


def _image(claim: Claim) -> tuple[str, str, int]:
    return claim.dataset, claim.file, claim.image
