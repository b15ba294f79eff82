"""Shared by tables of attacked images: which images count, and which attacks succeeded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from blindspots.analyses._pairs import IMAGE
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import RIGHT, WRONG

NONE_RIGHT = "no image is right unaltered"


def tried(attacks: pd.DataFrame) -> pd.DataFrame:
    """The attacks on images that the net gets right unaltered, whatever the goal.

    One that it gets wrong already, or rejects, or has no finite answer to, is no success of an
    attack and no failure: a distance of 0 would make the net look squeezed.

    Args:
        attacks: a row per attacked image.

    Returns:
        Those rows with `fooled`: whether the attack succeeded, and the net answers as it was to.
    """
    rows = attacks[attacks["outcome"] == RIGHT]
    wrong = rows["attacked_outcome"] == WRONG
    aimed = rows["attacked_prediction"].eq(rows["target"]).fillna(False).astype(bool)
    reached = wrong & (rows["target"].isna() | aimed)
    return rows.assign(fooled=rows["success"] & reached)


ORIGIN = ["source", "attack", "amplified_to"]
"""Columns that say how an image was made."""

SEEN = [*ORIGIN, *IMAGE, "victim", "victim_seed", "outcome", "source_outcome", "success",
        "distortion"]  # fmt: skip
"""Columns of a table of transfer that `sources` reads."""


def sources(transfer: Frame) -> pd.DataFrame:
    """The images of a table of transfer once, but for those that their source did not get right.

    Args:
        transfer: with schema `measurements.transfer.TRANSFER`. Images of controls stay, which have
            no source; see `tried`.

    Returns:
        A row per source or control and image with `fooled`: whether the attack succeeded. Where the
        source is among the victims, it must answer wrongly itself, which noise need not achieve.
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


def success_columns(rows: pd.DataFrame, groups: pd.MultiIndex) -> Iterator[pd.DataFrame]:
    """Columns with the success rate and the length of successful perturbations.

    Args:
        rows: of `tried` or `sources`, with the levels of `groups` as columns.
        groups: what is averaged over, such as nets and seeds; all that there are.

    Yields:
        Values for `kit.over_seeds`: the success in percent; the mean distortion of the fooled
        images, and its root mean square.
    """
    rows = rows.assign(length=rows["distortion"].where(rows["fooled"]))
    of = rows.groupby(groups.names, sort=False)
    n = of.size().reindex(groups, fill_value=0)
    fooled = of["length"].count().reindex(groups, fill_value=0)
    reason = np.where(n > 0, "no attack succeeded", NONE_RIGHT)
    pooled = of["length"].agg(lambda lengths: np.sqrt(np.square(lengths).mean()))
    for column, label, unit, value in (
        ("success", "success", "%", 100 * of["fooled"].mean()),
        ("distortion", "mean distortion", "RMS per pixel", of["length"].mean()),
        ("pooled distortion", "pooled distortion", "RMS per pixel", pooled),
    ):
        given = {"n": n} if unit == "%" else {"n": fooled, "tried": n}
        frame = pd.DataFrame({"value": value.reindex(groups), "reason": reason} | given)
        yield frame.reset_index().assign(column=column, column_label=label, unit=unit)


def middle(distances: np.ndarray) -> dict[str, float | bool]:
    """The median of distances (n,) as `value` and `endless` of `kit.over_seeds`.

    Distances are infinite where the attack failed. Where it failed on exactly half, the smaller of
    the two middle ones, which is a median as well: an infinite one says that it failed on more.
    """
    ordered = np.sort(distances)
    low, high = (ordered[(len(ordered) + k) // 2] if len(ordered) else np.nan for k in (-1, 0))
    median = float(low if np.isinf(high) else np.median(ordered)) if len(ordered) else np.nan
    return {"value": np.nan if np.isinf(median) else median, "endless": bool(np.isinf(median))}
