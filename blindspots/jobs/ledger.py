"""The ledger: for each net and image the best upper and lower bound on the smallest perturbation.

Upper bounds are perturbed images (witnesses), lower bounds are certified radii; each counts in
every norm, by its own length there or by what follows (`threat.conversions`). A goal is "any" wrong
class or one target. A lower bound above an upper one is a bug and ends the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.jobs.lower_bounds import NORMS, Place, Prepared, lower_bounds
from blindspots.threat.conversions import ORDER
from blindspots.threat.outcomes import WORD, WRONG

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("norm", WORD, nullable=False),  # "l0_features" where images have channels
        pa.field("goal", WORD, nullable=False),  # "any" wrong class, or "target"
        pa.field("target", pa.int16()),
        pa.field("upper", pa.float64()),  # null: no perturbation was found
        pa.field("attack", pa.string()),  # whose image is the witness; null: the image itself
        pa.field("lower", pa.float64()),  # null: no certificate
        pa.field("certificate", pa.string()),
        pa.field("reason", pa.string()),  # why no certificate that was asked for has a radius
        pa.field("warning", pa.string()),  # that the net does not err as expected; null: it does
    ]
)
"""A row per net, image, norm, goal and target."""

IMAGE = ["net", "seed", "dataset", "file", "index"]
READ: dict[str, list[str] | None] = {
    "attacks": [*IMAGE, "attack", "target", "attacked_prediction", "mistaken", "certain", "inside",
                *NORMS],
    "certificates": None,
    "clean": [*IMAGE, "prediction", "outcome", "right"],
}  # fmt: skip
"""Columns of tables that `build` reads; None: all."""

GOALS = 2**16
"""More than there are classes: a goal of an image is a number, image × GOALS + target + 1."""


class LedgerError(AssertionError):
    """A certified radius above a found perturbation: one of the two is wrong."""


class Bounds(NamedTuple):
    """Bounds on goals: a number for each, and who gives it.

    Attributes:
        goal: (k,) int64, see `GOALS`.
        value: (k,) float64.
        name: (k,) of an attack or a certificate; None: the image itself.
    """

    goal: np.ndarray
    value: np.ndarray
    name: np.ndarray

    def at(self, where: np.ndarray) -> Bounds:
        """Select the bounds at some positions."""
        return Bounds(*(column[where] for column in self))

    def best(self, sign: int) -> Bounds:
        """The smallest value of each goal, or with sign −1 the largest; the first of equal ones."""
        there = self.at(~np.isnan(self.value))
        there = there.at(np.lexsort((sign * there.value, there.goal)))
        return there.at(np.append(True, there.goal[1:] != there.goal[:-1])[: len(there.goal)])

    def of(self, goals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (n,) and names of goals (n,), of bounds sorted by goal; NaN and None without."""
        place = np.searchsorted(self.goal, goals)
        known = place < len(self.goal)
        known[known] = self.goal[place[known]] == goals[known]
        value, name = np.full(len(goals), np.nan), np.full(len(goals), None, object)
        value[known], name[known] = self.value[place[known]], self.name[place[known]]
        return value, name


def build(
    attacks: pd.DataFrame,
    certificates: pd.DataFrame,
    clean: pd.DataFrame,
    prepared: Mapping[Place, Prepared],
    flags: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Join the bounds of every net and image that was attacked or certified.

    Args:
        attacks: tables of attacks and of witnesses. A row bounds from above where its image lies in
            the box and a wrong class leads by the success margin; a target, where that is the
            answer by the margin. One outside the box is no witness, but evidence.
        certificates: with `certificates.table.SCHEMA`; without the column `norm` they are in L2 and
            hold outside the box.
        clean: the nets' answers to the unaltered images; one that is wrong bounds itself by 0. Nets
            that answer by chance, which have shares there, have no row.
        prepared: the unaltered images, by what `PLACE` names.
        flags: warnings by net, for nets that do not err as expected.

    Returns:
        A frame with `SCHEMA`, sorted by net, seed, image, norm, goal and target.

    Raises:
        LedgerError: a lower bound above a distance at which the net is wrong; names the first.
    """
    attacks, certificates, clean = _certain(attacks, _completed(certificates), clean)
    images = pd.concat([attacks[IMAGE], certificates[IMAGE]]).drop_duplicates()
    images = images.sort_values(IMAGE).reset_index(drop=True)
    number = pd.MultiIndex.from_frame(images)
    of_attacks, of_radii, of_clean = (
        number.get_indexer(pd.MultiIndex.from_frame(frame[IMAGE]))
        for frame in (attacks, certificates, clean)
    )
    aimed, proved = (_goal(n, f) for n, f in ((of_attacks, attacks), (of_radii, certificates)))
    goals = np.unique(np.concatenate([np.arange(len(images)) * GOALS, aimed, proved]))
    itself = (clean["outcome"] == WRONG).to_numpy() & (of_clean >= 0)
    itself = _mistakes(of_clean[itself], clean["prediction"][itself], goals)
    seen = _Seen(attacks, of_attacks, goals)
    frames = []
    for norm, has_norm, lower in lower_bounds(certificates, of_radii, images, prepared):
        where = has_norm[goals // GOALS]
        radii = Bounds(proved, lower, certificates["certificate"].to_numpy(object))
        if norm in ORDER:
            free = radii.at(~certificates["box"].to_numpy(bool))
            _assert_in_order(_crossed(free, seen.outside(norm)), images, norm)
        upper = _concatenated(seen.inside(norm), itself).best(1).of(goals[where])
        joined = _joined(goals[where], upper, radii)
        _assert_in_order(joined[joined["lower"] > joined["upper"]], images, norm)
        frames.append(joined.assign(norm=NORMS.index(norm)))
    ledger = pd.concat(frames, ignore_index=True)
    found = _named(ledger, images, certificates, of_radii)
    return found.assign(warning=found["net"].map(flags or {}).astype(object))


def _certain(
    attacks: pd.DataFrame, certificates: pd.DataFrame, clean: pd.DataFrame
) -> tuple[pd.DataFrame, ...]:
    """The rows of nets that answer the same each time: of others nothing is bounded."""
    drawn = set(clean.loc[clean["right"].notna(), "net"]) if "right" in clean else set()
    return tuple(
        frame[~frame["net"].isin(drawn)].reset_index(drop=True)
        for frame in (attacks, certificates, clean)
    )


def _completed(certificates: pd.DataFrame) -> pd.DataFrame:
    """Certificates of balls, with every column; without one that names them, in L2, no box."""
    given = {"norm": "l2", "box": False, "target": pd.NA, "region": None, "reason": None}
    missing = {name: value for name, value in given.items() if name not in certificates}
    found = certificates.assign(**missing)
    return found[found["region"].isna()].reset_index(drop=True)


def _goal(image: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """The goal of each row: its target of its image, or any wrong class."""
    return image * GOALS + rows["target"].fillna(-1).to_numpy(np.int64) + 1


def _mistakes(image: np.ndarray, answer: pd.Series, goals: np.ndarray) -> Bounds:
    """Bounds of 0 by images (k,) that a net gets wrong by itself."""
    aimed = image * GOALS + answer.to_numpy(np.int64) + 1
    goal = np.concatenate([image * GOALS, aimed[np.isin(aimed, goals)]])
    return Bounds(goal, np.zeros(len(goal)), np.full(len(goal), None, object))


def _concatenated(*bounds: Bounds) -> Bounds:
    return Bounds(*map(np.concatenate, zip(*bounds, strict=True)))


class _Seen:
    """The perturbed images on which a net is wrong, by the goals that they reach."""

    def __init__(self, attacks: pd.DataFrame, image: np.ndarray, goals: np.ndarray) -> None:
        wrong = attacks["mistaken"].to_numpy(bool)
        answer = attacks["attacked_prediction"].fillna(-1).to_numpy(np.int64)
        reached = image * GOALS + answer + 1
        aimed = wrong & attacks["certain"].to_numpy(bool) & np.isin(reached, goals)
        self.rows = np.concatenate([np.flatnonzero(wrong), np.flatnonzero(aimed)])
        self.goal = np.concatenate([image[wrong] * GOALS, reached[aimed]])
        self.within = attacks["inside"].to_numpy(bool)[self.rows]
        self.attacks = attacks

    def inside(self, norm: str) -> Bounds:
        """Distances of witnesses."""
        return self._distances(norm, self.within)

    def outside(self, norm: str) -> Bounds:
        """Distances of images outside the box."""
        return self._distances(norm, ~self.within)

    def _distances(self, norm: str, where: np.ndarray) -> Bounds:
        rows = self.rows[where]
        value = self.attacks[norm].to_numpy(float, na_value=np.nan)[rows]
        return Bounds(self.goal[where], value, self.attacks["attack"].to_numpy(object)[rows])


def _joined(goals: np.ndarray, upper: tuple[np.ndarray, np.ndarray], radii: Bounds) -> pd.DataFrame:
    """The bounds of goals."""
    best = radii.best(-1)
    own, its = best.of(goals)
    # Who reaches a target leaves the right class: a radius for any goal holds for every target.
    general, name = best.of(goals // GOALS * GOALS)
    better = ~(own <= general) & ~np.isnan(own)
    return pd.DataFrame(
        {
            "number": goals, "upper": upper[0], "attack": upper[1],
            "lower": np.where(better, own, general), "certificate": np.where(better, its, name),
        }
    )  # fmt: skip


def _crossed(radii: Bounds, outside: Bounds) -> pd.DataFrame:
    """Radii that hold without a box, and are above the distance of an image outside it."""
    nearest = outside.best(1)
    joined = _joined(nearest.goal, (nearest.value, nearest.name), radii)
    return joined[joined["lower"] > joined["upper"]]


def _assert_in_order(crossed: pd.DataFrame, images: pd.DataFrame, norm: str) -> None:
    if len(crossed):
        first = crossed.iloc[0]
        found = "the image itself" if pd.isna(first["attack"]) else first["attack"]
        image = images.iloc[first["number"] // GOALS]
        raise LedgerError(
            f"ledger: {image['dataset']}: net {image['net']} (seed {image['seed']}), image "
            f"{image['index']} of {image['file']}: expected the certified radius in {norm} to be "
            "at most the distance found, found "
            f"{first['lower']:.9g} ({first['certificate']}) above {first['upper']:.9g} "
            f"({found}); one of the two methods is wrong"
        )


def _named(
    ledger: pd.DataFrame, images: pd.DataFrame, certificates: pd.DataFrame, image: np.ndarray
) -> pd.DataFrame:
    """The columns of `SCHEMA` but the last, of bounds of numbered goals and norms."""
    number, target = ledger["number"].to_numpy() // GOALS, ledger["number"].to_numpy() % GOALS - 1
    ordered = np.lexsort((target, ledger["norm"].to_numpy(), number))
    ledger, number, target = ledger.iloc[ordered], number[ordered], target[ordered]
    said = pd.Series(certificates["reason"].to_numpy(object), image).dropna()
    said = said[~said.index.duplicated()].reindex(number).to_numpy(object)
    columns = {name: images[name].to_numpy()[number] for name in IMAGE}
    columns |= {
        "norm": pd.Categorical.from_codes(ledger["norm"], NORMS),
        "goal": pd.Categorical.from_codes((target >= 0).astype(int), ["any", "target"]),
        "target": pd.arrays.IntegerArray(target.astype(np.int16), target < 0),
        "upper": ledger["upper"].to_numpy(),
        "attack": ledger["attack"].to_numpy(),
        "lower": ledger["lower"].to_numpy(),
        "certificate": ledger["certificate"].to_numpy(),
        "reason": np.where(ledger["lower"].isna(), said, None),
    }
    return pd.DataFrame(columns)
