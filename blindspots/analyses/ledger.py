"""The ledger: for each net and image the best upper and lower bound on the smallest perturbation.

Upper bounds are attacked images (witnesses), lower bounds are certified radii, both in L2. A goal
is "any" wrong class or one target. A lower bound above an upper one is a bug and ends the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.analyses.attacked import middle
from blindspots.analyses.kit import cells, over_seeds
from blindspots.analyses.masking import warnings
from blindspots.threat.outcomes import is_wrong

HEADLINE = {
    "certified": "Certified radius (median)",
    "found": "Smallest distance found (median)",
}
"""What the report's first screen shows of the table (`report.headlines`)."""

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("norm", pa.string(), nullable=False),
        pa.field("goal", pa.string(), nullable=False),  # "any" wrong class, or "target"
        pa.field("target", pa.int16()),
        pa.field("upper", pa.float64()),  # null: no attack succeeded
        pa.field("attack", pa.string()),  # whose image is the witness; null: the image itself
        pa.field("lower", pa.float64()),  # null: no certificate
        pa.field("certificate", pa.string()),
        pa.field("reason", pa.string()),  # why no certificate that was asked for has a radius
    ]
)

IMAGE = ["net", "seed", "dataset", "file", "index"]
GOAL = [*IMAGE, "goal", "target"]


class LedgerError(AssertionError):
    """A certified radius above a found perturbation: one of the two is wrong."""


def build(attacks: pd.DataFrame, certificates: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Join the bounds of every net and image that was attacked or certified.

    Args:
        attacks: tables of attacks and of witnesses. A row bounds from above where the attack
            succeeded and the net is wrong on its image, which noise need not achieve. One without
            success that has a distance is outside the box: no witness, but evidence.
        certificates: `net`, `seed`, `file`, `index`, `certificate`, `radius`, null where it failed;
            `reason` where a certificate does not take a net.
        clean: the nets' answers to the unaltered images; one that is wrong bounds itself by 0.

    Returns:
        A frame with `SCHEMA`, sorted by net, seed, image and goal.

    Raises:
        LedgerError: a lower bound above a distance at which the net is wrong; names the first.
    """
    _assert_not_refuted(certificates, attacks)
    images = pd.concat([attacks[IMAGE], certificates[IMAGE]]).drop_duplicates()
    uppers = _tightest(_uppers(attacks, clean, images), "upper", smallest=True)
    # Who reaches a target leaves the right class: a radius for any goal holds for every target.
    radii = _lowers(certificates)
    targeted = uppers[uppers["goal"] == "target"].merge(radii, on=IMAGE, how="left")
    untargeted = images.merge(uppers[uppers["goal"] == "any"], on=IMAGE, how="left")
    untargeted = untargeted.merge(radii, on=IMAGE, how="left").assign(goal="any")
    ledger = pd.concat([untargeted, targeted], ignore_index=True)
    ledger["norm"] = "L2"
    _assert_in_order(ledger)
    return ledger.sort_values([*IMAGE, "goal"], kind="stable")[SCHEMA.names].reset_index(drop=True)


def _assert_not_refuted(certificates: pd.DataFrame, attacks: pd.DataFrame) -> None:
    """Compare certificates with images outside the box, which all of them cover, too."""
    outside = attacks[~attacks["success"] & attacks["l2"].notna()]
    wrong = outside[is_wrong(outside["attacked_prediction"], outside["label"])]
    found = wrong[[*IMAGE, "l2", "attack"]].rename(columns={"l2": "upper"})
    radii = certificates.rename(columns={"radius": "lower"})
    _assert_in_order(found.merge(radii[[*IMAGE, "lower", "certificate"]], on=IMAGE))


def _assert_in_order(bounds: pd.DataFrame) -> None:
    crossed = bounds[bounds["lower"] > bounds["upper"]]
    if len(crossed):
        first = crossed.iloc[0]
        raise LedgerError(
            f"ledger: {first['dataset']}: net {first['net']} (seed {first['seed']}), image "
            f"{first['index']} of {first['file']}: expected the certified radius to be at most the "
            f"distance found, "
            f"found {first['lower']:.9g} ({first['certificate']}) above {first['upper']:.9g} "
            f"({first['attack']}); one of the two methods is wrong"
        )


def _lowers(certificates: pd.DataFrame) -> pd.DataFrame:
    """The largest radius of each image, or why it has none."""
    goals = certificates.assign(goal="any", target=pd.NA).rename(columns={"radius": "lower"})
    best = _tightest(goals, "lower", smallest=False)  # nulls last
    best = best.reindex(columns=[*IMAGE, "lower", "certificate", "reason"])
    failed = best["lower"].isna()
    best.loc[failed, "certificate"] = None
    best.loc[~failed, "reason"] = None
    return best


def _uppers(attacks: pd.DataFrame, clean: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    found = attacks[attacks["success"]].rename(columns={"l2": "upper"})
    aimed = found[found["target"].notna()]
    targeted = aimed[aimed["attacked_prediction"] == aimed["target"]].assign(goal="target")
    wrong = found[is_wrong(found["attacked_prediction"], found["label"])]
    wrong = wrong.assign(goal="any", target=pd.NA)
    mistaken = clean[is_wrong(clean["prediction"], clean["label"]).fillna(False).astype(bool)]
    itself = mistaken[IMAGE].merge(images, on=IMAGE)
    itself = itself.assign(goal="any", target=pd.NA, upper=0.0, attack=None)
    frames = [frame[[*GOAL, "upper", "attack"]] for frame in (targeted, wrong, itself)]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1])


def _tightest(bounds: pd.DataFrame, value: str, *, smallest: bool) -> pd.DataFrame:
    ordered = bounds.sort_values(value, ascending=smallest, kind="stable")
    return ordered.drop_duplicates(GOAL)


def why(rows: pd.DataFrame) -> str:
    """Why a net's rows of the ledger have no certified radius."""
    said = rows["reason"].dropna()
    return str(said.iloc[0]) if len(said) else "no certificate"


def ledger(
    ledger: pd.DataFrame,
    attacks: pd.DataFrame,
    transfer: pd.DataFrame,
    *,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """A summary of the ledger per net: how far what is certified is from what is found.

    Args:
        ledger: with `SCHEMA`.
        attacks: of the experiment; its nets and images are summarised.
        transfer: with schema `measurements.transfer.TRANSFER`, for signs of masked gradients.
        labels: of nets, by name.

    Returns:
        Per net, over the images that it does not get wrong unaltered: the share that anything
        fooled, in percent. Over those of them that have a certificate, where any has: the medians
        of the bounds for any wrong class and of their quotient; an image that nothing fooled counts
        as infinite. For a net without certified radii, why. Last, where gradients look masked, a
        warning (`_masking.signs`).
    """
    rows = attacks[IMAGE].drop_duplicates().merge(ledger[ledger["goal"] == "any"], on=IMAGE)
    found = [
        {"row": net, "seed": seed} | cell
        for (net, seed), group in rows.groupby(["net", "seed"], sort=False)
        for cell in _of(group[~(group["upper"] == 0)])
    ]
    keys = ["row", "column", "column_label", "unit"]
    columns = [*keys, "seed", "value", "n", "endless", "reason"]
    values = over_seeds(pd.DataFrame(found, columns=columns), keys)
    return cells(pd.concat([values, warnings(attacks, transfer)]), labels, None)


def _of(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One network's cells."""
    yield {
        "column": "success", "column_label": "images fooled", "unit": "%", "n": len(rows),
        "value": 100 * rows["upper"].notna().mean(), "reason": "every image is wrong unaltered",
    }  # fmt: skip
    certified, no_radius = rows["lower"].notna(), why(rows)
    rows = rows[certified | ~certified.any()]
    upper, lower = rows["upper"].fillna(np.inf), rows["lower"]
    quotient = (upper / lower)[lower > 0]
    for column, label, unit, values in (
        ("certified", "certified median", "L2", lower.dropna()),
        ("found", "found median", "L2", upper),
        ("looseness", "found / certified, median", "", quotient),
    ):
        median = middle(values.to_numpy(float))
        yield median | {
            "column": column, "column_label": label, "unit": unit, "n": len(rows),
            "reason": None if median["endless"] else no_radius,
        }  # fmt: skip
