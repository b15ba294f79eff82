"""Shared by the analyses of transfer: pairs of a source and a victim, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from blindspots.analyses._clean import NO_CLASSES
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import REJECTED, WRONG

IMAGE = ["seed", "dataset", "file", "index"]
PAIR = ["source", "victim", "seed"]


SEEN = ["experiment", *PAIR, "victim_seed", *IMAGE[1:], "amplified_to", "outcome", "success",
        "distortion"]  # fmt: skip
"""Columns of a table of transfer that are read here."""
KNOWN = ["net", *IMAGE, "outcome", "status"]
"""Columns of tables of clean answers, likewise."""
NOISE = ["experiment", *PAIR, *IMAGE[1:], "noise_fooled", "noise_draws"]
"""Columns of tables of radii, likewise."""


def pairs(
    transfer: Frame,
    clean: Frame,
    *,
    by: str = "victim",
    amplified_to: float | None = None,
    across_seeds: bool = False,
) -> Iterator[pd.DataFrame]:
    """Pair every victim's answers to other nets' attacked images with those to the originals.

    Args:
        transfer: with schema `measurements.transfer.TRANSFER`; controls and a net's own images are
            left out.
        clean: with schema `threat.answers.CLEAN`.
        by: column; all rows of a value of it are in one part.
        amplified_to: which images; None: those that are not amplified.
        across_seeds: keep victims of other seeds than the source's.

    Yields:
        Parts with a row per source, victim and image: `attacked`, `clean` (whether the victim is
        wrong on the attacked and on the unaltered image), `rejected` (the attacked one),
        `source_clean` (whether the source is wrong on the unaltered one), `perturbed` (whether the
        image had to be, see `attacked.sources`), and `excess`, `attacked` less `clean` in
        percentage points.
    """
    known = parted(clean).frame(KNOWN)
    known = known.assign(wrong=known["outcome"] == WRONG)
    known = known.loc[known["status"] != NO_CLASSES, ["net", *IMAGE, "wrong"]]
    for rows in parted(transfer).by(by, SEEN):
        scale = rows["amplified_to"]
        its = scale.isna() if amplified_to is None else scale == amplified_to
        rows = rows[rows["source"].notna() & its & (rows["source"] != rows["victim"])]
        if not across_seeds:
            rows = rows[rows["seed"] == rows["victim_seed"]]
        yield _beside_clean(rows, known[known["index"].isin(rows["index"].unique())])


def _beside_clean(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Answers to others' images beside those to the originals, which are known by net."""
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


def in_order(found: pd.DataFrame, transfer: Frame) -> pd.DataFrame:
    """Rows with the columns of `PAIR` in the order in which pairs appear in a table of transfer."""
    order = pd.MultiIndex.from_frame(parted(transfer).distinct(PAIR))
    place = order.get_indexer(pd.MultiIndex.from_frame(found[PAIR]))
    return found.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def with_noise(rows: pd.DataFrame, radii: Frame, by: str = "victim") -> pd.DataFrame:
    """`pairs` with `noise`: the share of noise as long as the perturbation that fools the victim.

    Null where there is no perturbation: the attack failed, or the image was wrong unaltered.

    Args:
        rows: a part of `pairs`.
        radii: with schema `measurements.sweep.RADII`, of the same experiments.
        by: as of `pairs`.
    """
    keys = ["experiment", *PAIR, *IMAGE[1:]]
    noise = parted(radii).of(by, rows[by].unique(), NOISE)
    noise = noise.assign(noise=noise["noise_fooled"].astype("Float64") / noise["noise_draws"])
    noise = noise.astype({"noise": float})[[*keys, "noise"]]
    found = rows.merge(noise, on=keys, how="left", validate="many_to_one")
    return found.assign(noise=found["noise"].where(found["perturbed"]))


def arrow(source: str, victim: str, labels: Mapping[str, str] | None = None) -> str:
    """A pair's name in a table, by the nets' names or by their labels."""
    known = labels or {}
    return f"{known.get(source, source)} → {known.get(victim, victim)}"
