"""Selection of the attacked images that count, and of the attacks that succeeded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from blindspots.analyses.kit import IMAGE
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import RIGHT, WRONG

Average = Literal["mean", "pooled"]
"""Averages of distortions: the mean over images, and the root of their mean square."""

NONE_RIGHT = "no unaltered image is classified correctly"


def tried(attacks: pd.DataFrame) -> pd.DataFrame:
    """Return the attacks on images that the net gets right unaltered, whatever the goal.

    An image that the net already gets wrong, rejects, or has no finite answer to is neither a
    success nor a failure of the attack: counted as a success with distance 0, it would make the net
    look less robust.

    Args:
        attacks: attacked images, a row each.

    Returns:
        These rows with `fooled`: whether the attack succeeded and the net's answer meets the goal.
    """
    rows = attacks[attacks["outcome"] == RIGHT]
    wrong = rows["attacked_outcome"] == WRONG
    aimed = rows["attacked_prediction"].eq(rows["target"]).fillna(False).astype(bool)
    reached = wrong & (rows["target"].isna() | aimed)
    return rows.assign(fooled=rows["success"] & reached)


ORIGIN = ["source", "attack", "amplified_to"]
"""Columns that identify how an image was made."""

SEEN = [*ORIGIN, *IMAGE, "victim", "victim_seed", "outcome", "source_outcome", "success",
        "distortion"]  # fmt: skip
"""Columns of the transfer table that `sources` reads."""


def sources(transfer: Frame) -> pd.DataFrame:
    """Return each image of the transfer table once, if its source gets the original right.

    Images of controls, which have no source, are all kept; see `tried`.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.

    Returns:
        A row per source or control and image with `fooled`: whether the attack succeeded. If the
        source is among the victims, its own answer must also be wrong: noise may meet its goal
        without fooling the source.
    """
    keys, found, failed = [*ORIGIN, *IMAGE], list[pd.DataFrame](), list[pd.DataFrame]()
    for rows in parted(transfer).by("victim", SEEN):
        right = rows["source"].isna() | (rows["source_outcome"] == RIGHT)
        rows = rows[right & (rows["seed"] == rows["victim_seed"])]
        own = rows[(rows["source"] == rows["victim"]) & rows["amplified_to"].isna()]
        failed.append(own.loc[own["outcome"] != WRONG, keys])
        found = [pd.concat([*found, rows]).drop_duplicates(keys)]  # most are the same images
    (once,) = found
    missed = pd.concat(failed).drop_duplicates().assign(missed=True)  # in several experiments
    if missed.empty:
        return once.assign(fooled=once["success"])
    once = once.merge(missed, on=keys, how="left", validate="one_to_one")
    return once.assign(fooled=once["success"] & once["missed"].isna()).drop(columns="missed")


def success_columns(
    rows: pd.DataFrame, groups: pd.MultiIndex, average: Average = "mean"
) -> Iterator[pd.DataFrame]:
    """Columns with the success rate and the distortion of successful perturbations.

    Args:
        rows: result of `tried` or `sources`, with the levels of `groups` as columns.
        groups: all groups of images to average over, such as nets and seeds.
        average: average that is the column "distortion".

    Yields:
        Values for `kit.over_seeds`: the success rate in percent; the average distortion of the
        fooled images; and their other average, in a column of its name.
    """
    rows = rows.assign(length=rows["distortion"].where(rows["fooled"]))
    of = rows.groupby(groups.names, sort=False)
    n = of.size().reindex(groups, fill_value=0)
    fooled = of["length"].count().reindex(groups, fill_value=0)
    reason = np.where(n > 0, "no attack succeeded", NONE_RIGHT)
    averages = {
        "mean distortion": of["length"].mean(),
        "pooled distortion": of["length"].agg(lambda lengths: np.sqrt(np.square(lengths).mean())),
    }
    chosen = f"{average} distortion"
    (other,) = averages.keys() - {chosen}
    for column, label, unit, value in (
        ("success", "success", "%", 100 * of["fooled"].mean()),
        ("distortion", chosen, "RMS per pixel", averages[chosen]),
        (other, other, "RMS per pixel", averages[other]),
    ):
        given = {"n": n} if unit == "%" else {"n": fooled, "tried": n}
        frame = pd.DataFrame({"value": value.reindex(groups), "reason": reason} | given)
        yield frame.reset_index().assign(column=column, column_label=label, unit=unit)


def middle(distances: np.ndarray) -> dict[str, float | bool]:
    """Return the median of distances (n,) as `value` and `endless` for `kit.over_seeds`.

    Distances are infinite where the attack failed. If it failed on exactly half, the median is the
    smaller of the two middle distances; an infinite median thus means that it failed on more.
    """
    ordered = np.sort(distances)
    low, high = (ordered[(len(ordered) + k) // 2] if len(ordered) else np.nan for k in (-1, 0))
    median = float(low if np.isinf(high) else np.median(ordered)) if len(ordered) else np.nan
    return {"value": np.nan if np.isinf(median) else median, "endless": bool(np.isinf(median))}
