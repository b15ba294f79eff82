"""The ledger: for each net and image the best upper and lower bound on the smallest perturbation.

Upper bounds are perturbed images (witnesses), lower bounds are certified radii. Each counts in
every norm: a witness by its length in that norm, a radius by conversion (`threat.conversions`). A
goal is "any" wrong class or one target. A lower bound above an upper bound is a bug and ends the
run.
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
        pa.field("norm", WORD, nullable=False),  # "l0_features" only if images have channels
        pa.field("goal", WORD, nullable=False),  # "any" wrong class, or "target"
        pa.field("target", pa.int16()),
        pa.field("upper", pa.float64()),  # null: no perturbation was found
        pa.field("attack", pa.string()),  # of the witness; null: the image itself
        pa.field("lower", pa.float64()),  # null: no certificate
        pa.field("certificate", pa.string()),
        pa.field("reason", pa.string()),  # why no requested certificate has a radius
        pa.field("warning", pa.string()),  # the net's error is not as expected; null: it is
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
"""Columns that `build` reads, by table; None: all."""

GOALS = 2**16
"""Upper limit of classes: a goal is numbered image × GOALS + target + 1, "any" with target −1."""


class LedgerError(AssertionError):
    """A certified radius exceeds a found perturbation: one of the two is wrong."""


class Bounds(NamedTuple):
    """Bounds on goals, each with its origin.

    Attributes:
        goal: (k,) int64, see `GOALS`.
        value: (k,) float64 bounds.
        name: (k,) names of attacks or certificates; None: the image itself.
    """

    goal: np.ndarray
    value: np.ndarray
    name: np.ndarray

    def at(self, where: np.ndarray) -> Bounds:
        """Select the bounds at some positions."""
        return Bounds(*(column[where] for column in self))

    def best(self, sign: int) -> Bounds:
        """Return the smallest value of each goal, with sign −1 the largest; the first of equals."""
        there = self.at(~np.isnan(self.value))
        there = there.at(np.lexsort((sign * there.value, there.goal)))
        return there.at(np.append(True, there.goal[1:] != there.goal[:-1])[: len(there.goal)])

    def of(self, goals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values (n,) and names (n,) for goals (n,); NaN and None for goals without a bound.

        The bounds must be sorted by goal.
        """
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
        attacks: tables of attacks and of witnesses. A row is an upper bound for any wrong class if
            its image lies in the box and a wrong class leads by the success margin; for a target,
            if the target leads by the margin. An image outside the box is no witness, but must not
            contradict radii that hold without the box.
        certificates: rows with `certificates.table.SCHEMA`; without the column `norm` they are in
            L2 and hold outside the box.
        clean: the nets' answers to the unaltered images; a misclassified image has the upper bound
            0. Stochastic nets, whose answers have shares in `right`, get no row.
        prepared: the unaltered images of each prepared file, by the values of `PLACE`.
        flags: warnings by net, for nets whose error is not as expected.

    Returns:
        A frame with `SCHEMA`, sorted by net, seed, image, norm, goal and target.

    Raises:
        LedgerError: a lower bound exceeds a distance at which the net is wrong; names the first.
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
    """Select the rows of deterministic nets; the ledger has no bounds for stochastic ones."""
    drawn = set(clean.loc[clean["right"].notna(), "net"]) if "right" in clean else set()
    return tuple(
        frame[~frame["net"].isin(drawn)].reset_index(drop=True)
        for frame in (attacks, certificates, clean)
    )


def _completed(certificates: pd.DataFrame) -> pd.DataFrame:
    """Select the certificates of balls, and add missing columns: L2, and valid without the box."""
    given = {"norm": "l2", "box": False, "target": pd.NA, "region": None, "reason": None}
    missing = {name: value for name, value in given.items() if name not in certificates}
    found = certificates.assign(**missing)
    return found[found["region"].isna()].reset_index(drop=True)


def _goal(image: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Return the number of each row's goal: its image's target, or any wrong class."""
    return image * GOALS + rows["target"].fillna(-1).to_numpy(np.int64) + 1


def _mistakes(image: np.ndarray, answer: pd.Series, goals: np.ndarray) -> Bounds:
    """Return upper bounds of 0 for images (k,) that the net misclassifies unaltered."""
    aimed = image * GOALS + answer.to_numpy(np.int64) + 1
    goal = np.concatenate([image * GOALS, aimed[np.isin(aimed, goals)]])
    return Bounds(goal, np.zeros(len(goal)), np.full(len(goal), None, object))


def _concatenated(*bounds: Bounds) -> Bounds:
    return Bounds(*map(np.concatenate, zip(*bounds, strict=True)))


class _Seen:
    """The misclassified perturbed images, by the goals that they reach."""

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
        """Return the distances of witnesses."""
        return self._distances(norm, self.within)

    def outside(self, norm: str) -> Bounds:
        """Return the distances of images outside the box."""
        return self._distances(norm, ~self.within)

    def _distances(self, norm: str, where: np.ndarray) -> Bounds:
        rows = self.rows[where]
        value = self.attacks[norm].to_numpy(float, na_value=np.nan)[rows]
        return Bounds(self.goal[where], value, self.attacks["attack"].to_numpy(object)[rows])


def _joined(goals: np.ndarray, upper: tuple[np.ndarray, np.ndarray], radii: Bounds) -> pd.DataFrame:
    """Join the upper bounds of goals with the best radii."""
    best = radii.best(-1)
    own, its = best.of(goals)
    # Reaching a target means leaving the right class: a radius for "any" holds for every target.
    general, name = best.of(goals // GOALS * GOALS)
    better = ~(own <= general) & ~np.isnan(own)
    return pd.DataFrame(
        {
            "number": goals, "upper": upper[0], "attack": upper[1],
            "lower": np.where(better, own, general), "certificate": np.where(better, its, name),
        }
    )  # fmt: skip


def _crossed(radii: Bounds, outside: Bounds) -> pd.DataFrame:
    """Select the radii valid without the box that exceed the distance of an image outside it."""
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
    """Turn numbered goals and norms into the columns of `SCHEMA`, except `warning`."""
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
