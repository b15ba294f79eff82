"""The ledger: for each net and image the best upper and lower bound on the smallest perturbation.

Upper bounds are attacked images (witnesses), lower bounds are certified radii, both in L2. A goal
is "any" wrong class or one target. A lower bound above an upper one is a bug and ends the run.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from blindspots.analyses._summary import cells, over_seeds

SCHEMA = pa.schema(
    [
        pa.field("net", pa.string(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
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

IMAGE = ["net", "seed", "file", "index"]
GOAL = [*IMAGE, "goal", "target"]


class LedgerError(AssertionError):
    """A certified radius above a found perturbation: one of the two is wrong."""


def build(attacks: pd.DataFrame, certificates: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Join the bounds of every net and image that was attacked or certified.

    Args:
        attacks: tables of attacks. A row bounds from above where the attack succeeded and the net
            is wrong on its image, which noise need not achieve.
        certificates: `net`, `seed`, `file`, `index`, `certificate`, `radius`, null where it failed;
            `reason` where a certificate does not take a net.
        clean: the nets' answers to the unaltered images; one that is wrong bounds itself by 0.

    Returns:
        A frame with `SCHEMA`, sorted by net, seed, image and goal.

    Raises:
        LedgerError: a lower bound above an upper one; names the first.
    """
    images = pd.concat([attacks[IMAGE], certificates[IMAGE]]).drop_duplicates()
    uppers = _tightest(_uppers(attacks, clean, images), "upper", smallest=True)
    # Who reaches a target leaves the right class: a radius for any goal holds for every target.
    radii = _lowers(certificates)
    targeted = uppers[uppers["goal"] == "target"].merge(radii, on=IMAGE, how="left")
    untargeted = images.merge(uppers[uppers["goal"] == "any"], on=IMAGE, how="left")
    untargeted = untargeted.merge(radii, on=IMAGE, how="left").assign(goal="any")
    ledger = pd.concat([untargeted, targeted], ignore_index=True)
    ledger["norm"] = "L2"
    crossed = ledger[ledger["lower"] > ledger["upper"]]
    if len(crossed):
        first = crossed.iloc[0]
        raise LedgerError(
            f"ledger: net {first['net']} (seed {first['seed']}), image {first['index']} of "
            f"{first['file']}: expected the certified radius to be at most the distance found, "
            f"found {first['lower']:.9g} ({first['certificate']}) above {first['upper']:.9g} "
            f"({first['attack']}); one of the two methods is wrong"
        )
    return ledger.sort_values([*IMAGE, "goal"], kind="stable")[SCHEMA.names].reset_index(drop=True)


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
    reached = found["attacked_prediction"] == found["target"].fillna(-1)
    targeted = found[reached].assign(goal="target")
    wrong = found[found["attacked_prediction"] != found["label"]]
    wrong = wrong.assign(goal="any", target=pd.NA)
    mistaken = clean[clean["prediction"].notna() & (clean["prediction"] != clean["label"])]
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
    ledger: pd.DataFrame, attacks: pd.DataFrame, *, labels: Mapping[str, str]
) -> pd.DataFrame:
    """A summary of the ledger per net: how far what is certified is from what is found.

    Args:
        ledger: with `SCHEMA`.
        attacks: of the experiment; its nets and images are summarised.
        labels: of nets, by name.

    Returns:
        Per net, over images that it gets right and that have both bounds for any wrong class: the
        medians of the bounds and of their quotient. For a net without certified radii, why.
    """
    rows = attacks[IMAGE].drop_duplicates().merge(ledger[ledger["goal"] == "any"], on=IMAGE)
    certified = rows.groupby(["net", "seed"], sort=False)["lower"].transform("count") > 0
    nothing = rows[~certified].groupby(["net", "seed"], sort=False)
    rows = rows[(rows["upper"] > 0) & rows["lower"].notna()]
    columns = {
        "certified": ("certified median", "L2", rows["lower"]),
        "found": ("found median", "L2", rows["upper"]),
        "looseness": ("found / certified, median", "", rows["upper"] / rows["lower"]),
    }
    found = []
    for key, (label, unit, values) in columns.items():
        value = values.replace(np.inf, np.nan).groupby([rows["net"], rows["seed"]], sort=False)
        frame = pd.DataFrame({"value": value.median(), "n": value.size()}).reset_index()
        found.append(frame.assign(row=frame["net"], column=key, column_label=label, unit=unit))
    cell = {"column": "certified", "column_label": "certified median", "unit": "L2"}
    found += [
        pd.DataFrame([cell | {"row": net, "seed": seed, "n": len(of), "reason": why(of)}])
        for (net, seed), of in nothing
    ]
    keys = ["row", "column", "column_label", "unit"]
    return cells(over_seeds(pd.concat(found), keys), labels, None)
