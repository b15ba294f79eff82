"""Answers to attacked and unaltered images by source, victim and image, for transfer analyses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from blindspots.analyses._clean import NO_CLASSES
from blindspots.analyses.kit import IMAGE, NETS_IMAGE
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import REJECTED, WRONG

PAIR = ["source", "victim", "seed"]


SEEN = ["experiment", *PAIR, "victim_seed", *IMAGE[1:], "amplified_to", "outcome", "success",
        "distortion"]  # fmt: skip
"""Columns of the transfer table that are read here."""
KNOWN = [*NETS_IMAGE, "outcome", "status"]
"""Columns of the table of clean answers that are read here."""
NOISES = {"noise": "noise", "noise in the box": "noise_in_box"}
"""Kinds of noise, and what the names of their columns in the table of radii begin with."""
COUNTS = [f"{kind}_{count}" for kind in NOISES.values() for count in ("fooled", "draws")]
RADII = ["experiment", *PAIR, *IMAGE[1:], *COUNTS]
"""Columns of the table of radii that are read here."""


def pairs(
    transfer: Frame,
    clean: Frame,
    *,
    by: str = "victim",
    amplified_to: float | None = None,
    across_seeds: bool = False,
) -> Iterator[pd.DataFrame]:
    """Pair every victim's answers to other nets' attacked images with its answers to the originals.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`; controls
            and a net's own images are left out.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        by: column to split by; rows with the same value are in one part.
        amplified_to: nominal distortion of the amplified images to use; None: images that are not
            amplified.
        across_seeds: whether to keep victims whose seed differs from the source's.

    Yields:
        Parts with a row per source, victim and image: `attacked` and `clean` (whether the victim is
        wrong on the attacked and on the unaltered image), `rejected` (whether it rejects the
        attacked one), `source_clean` (whether the source is wrong on the unaltered one),
        `perturbed` (whether the distortion is not 0), and `excess` (`attacked` minus `clean`, in
        percentage points).
    """
    known = parted(clean).frame(KNOWN)
    known = known.assign(wrong=known["outcome"] == WRONG)
    known = known.loc[known["status"] != NO_CLASSES, [*NETS_IMAGE, "wrong"]]
    for rows in parted(transfer).by(by, SEEN):
        scale = rows["amplified_to"]
        its = scale.isna() if amplified_to is None else scale == amplified_to
        rows = rows[rows["source"].notna() & its & (rows["source"] != rows["victim"])]
        if not across_seeds:
            rows = rows[rows["seed"] == rows["victim_seed"]]
        yield _beside_clean(rows, known[known["index"].isin(rows["index"].unique())])


def _beside_clean(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Join answers to others' images with the answers to the originals, looked up by net."""
    rows = rows.assign(
        attacked=rows["outcome"] == WRONG,
        rejected=rows["outcome"] == REJECTED,
        perturbed=rows["distortion"] != 0,
    )
    for net, seed, name in (("victim", "victim_seed", "clean"), ("source", "seed", "source_clean")):
        answers = known[known["net"].isin(rows[net].unique())]
        answers = answers.rename(columns={"net": net, "seed": seed, "wrong": name})
        rows = rows.merge(answers, on=[net, seed, *IMAGE[1:]], validate="many_to_one")
    columns = ["experiment", *PAIR, "victim_seed", *IMAGE[1:], "success"]
    flags = ["attacked", "rejected", "perturbed", "clean", "source_clean"]
    rows = rows[[*columns, *flags]].astype(dict.fromkeys(flags, bool))
    return rows.assign(excess=100.0 * (rows["attacked"].astype(int) - rows["clean"].astype(int)))


SHOWN = ["attack", *PAIR, "victim_seed", *IMAGE[1:], "outcome"]
"""Columns of the transfer table that are read for a control."""


def controls(transfer: Frame) -> list[str]:
    """Return the names of the controls in a transfer table, in order of appearance."""
    made = parted(transfer).distinct(["source", "attack"])
    return list(made.loc[made["source"].isna(), "attack"].unique())


def by_control(transfer: Frame, clean: Frame, control: str) -> pd.DataFrame:
    """Pair every victim's answers to a control's images with its answers to the originals.

    Args:
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        control: name of the control.

    Returns:
        A row per victim and image with `attacked`, `clean`, `rejected` and `excess`, see `pairs`.
    """
    rows = parted(transfer).of("attack", [control], SHOWN)
    rows = rows[rows["source"].isna() & (rows["seed"] == rows["victim_seed"])]
    known = parted(clean).frame(KNOWN)
    known = known[known["status"] != NO_CLASSES]
    known = known.rename(columns={"net": "victim", "outcome": "unaltered"})
    rows = rows.merge(known[["victim", *IMAGE, "unaltered"]], on=["victim", *IMAGE])
    rows = rows.assign(
        attacked=rows["outcome"] == WRONG,
        rejected=rows["outcome"] == REJECTED,
        clean=rows["unaltered"] == WRONG,
    )
    return rows.assign(excess=100.0 * (rows["attacked"].astype(int) - rows["clean"].astype(int)))


def in_order(found: pd.DataFrame, transfer: Frame) -> pd.DataFrame:
    """Sort rows with the columns of `PAIR` by the pairs' first appearance in the transfer table."""
    order = pd.MultiIndex.from_frame(parted(transfer).distinct(PAIR))
    place = order.get_indexer(pd.MultiIndex.from_frame(found[PAIR]))
    return found.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def with_noise(
    parts: Iterable[pd.DataFrame], radii: Frame, by: str = "victim"
) -> Iterator[pd.DataFrame]:
    """Add the shares of noise draws of equal length that fool the victim to `pairs`.

    They are `noise`, whose images may leave the box, and `noise_in_box`, the same kept in the box.
    Null where there is no perturbation (the attack failed, or the image was wrong unaltered), or
    where no draw has its length.

    Args:
        parts: result of `pairs`.
        radii: transfer radii, with schema `measurements.sweep.RADII`, of the same experiments.
        by: column by which `pairs` split the rows.
    """
    keys, of_values = ["experiment", *PAIR, *IMAGE[1:]], parted(radii).finder(by, RADII)
    for rows in parts:
        noise = of_values(rows[by].unique())
        shares = {
            kind: (noise[f"{kind}_fooled"].astype("Float64") / noise[f"{kind}_draws"]).astype(float)
            for kind in NOISES.values()
        }
        noise = noise[keys].assign(**shares)
        found = rows.merge(noise, on=keys, how="left", validate="many_to_one")
        yield found.assign(**{kind: found[kind].where(found["perturbed"]) for kind in shares})


def arrow(source: str, victim: str, labels: Mapping[str, str] | None = None) -> str:
    """Name of a pair in a table: the nets' names, or their display names if given."""
    known = labels or {}
    return f"{known.get(source, source)} → {known.get(victim, victim)}"
