"""Shared by the analyses of transfer: pairs of a source and a victim, image by image."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses._clean import NO_CLASSES
from blindspots.threat.outcomes import REJECTED, WRONG

IMAGE = ["seed", "dataset", "file", "index"]
PAIR = ["source", "victim", "seed"]


def pairs(
    transfer: pd.DataFrame, clean: pd.DataFrame, *, across_seeds: bool = False
) -> pd.DataFrame:
    """Pair every victim's answers to other nets' attacked images with those to the originals.

    Args:
        transfer: with schema `measurements.transfer.TRANSFER`; controls, amplified images and a
            net's own are left out.
        clean: with schema `threat.answers.CLEAN`.
        across_seeds: keep victims of other seeds than the source's.

    Returns:
        A row per source, victim and image: `attacked`, `clean` (whether the victim is wrong on the
        attacked and on the unaltered image), `rejected` (the attacked one), `source_clean` (whether
        the source is wrong on the unaltered one), `perturbed` (whether the image had to be, see
        `attacked.sources`), and `excess`, `attacked` less `clean` in percentage points.
    """
    rows = transfer[transfer["source"].notna() & transfer["amplified_to"].isna()]
    rows = rows[rows["source"] != rows["victim"]]
    if not across_seeds:
        rows = rows[rows["seed"] == rows["victim_seed"]]
    rows = rows.assign(
        attacked=rows["outcome"] == WRONG,
        rejected=rows["outcome"] == REJECTED,
        perturbed=rows["distortion"] != 0,
    )
    known = clean.assign(wrong=clean["outcome"] == WRONG)
    known = known.loc[clean["status"] != NO_CLASSES, ["net", *IMAGE, "wrong"]]
    for net, seed, name in (("victim", "victim_seed", "clean"), ("source", "seed", "source_clean")):
        answers = known.rename(columns={"net": net, "seed": seed, "wrong": name})
        rows = rows.merge(answers, on=[net, seed, *IMAGE[1:]], validate="many_to_one")
    columns = ["experiment", *PAIR, "victim_seed", *IMAGE[1:], "success"]
    flags = ["attacked", "rejected", "perturbed", "clean", "source_clean"]
    rows = rows[[*columns, *flags]].astype(dict.fromkeys(flags, bool))
    return rows.assign(excess=100.0 * (rows["attacked"].astype(int) - rows["clean"].astype(int)))


def with_noise(rows: pd.DataFrame, radii: pd.DataFrame) -> pd.DataFrame:
    """`pairs` with `noise`: the share of noise as long as the perturbation that fools the victim.

    Null where there is no perturbation: the attack failed, or the image was wrong unaltered.

    Args:
        rows: of `pairs`.
        radii: with schema `measurements.sweep.RADII`, of the same experiments.
    """
    keys = ["experiment", *PAIR, *IMAGE[1:]]
    noise = radii.assign(noise=radii["noise_fooled"].astype("Float64") / radii["noise_draws"])
    noise = noise.astype({"noise": float})[[*keys, "noise"]]
    found = rows.merge(noise, on=keys, how="left", validate="many_to_one")
    return found.assign(noise=found["noise"].where(found["perturbed"]))


def arrow(source: str, victim: str, labels: Mapping[str, str] | None = None) -> str:
    """A pair's name in a table, by the nets' names or by their labels."""
    known = labels or {}
    return f"{known.get(source, source)} → {known.get(victim, victim)}"
