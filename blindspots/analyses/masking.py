"""Signs of masked gradients: an attack that cannot follow a net's gradient looks like robustness.

Athalye, Carlini and Wagner 2018, "Obfuscated gradients give a false sense of security", and Carlini
et al. 2019, "On evaluating adversarial robustness", section 3: an attack without access to the net
should not do better than one with access.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from blindspots.analyses.attacked import tried
from blindspots.analyses.kit import NETS_IMAGE
from blindspots.files.parts import Frame, parted
from blindspots.interface import Status
from blindspots.threat.outcomes import WRONG

MANY, FEWEST = 0.1, 2
"""Share of the images, and least number of images, from which a sign counts: searches fail now and
then, on about one image in a hundred, for other reasons."""

NEARER = 0.9
"""Factor on the distance of the net's own attack below which another net's image counts as nearer:
nets that share layers have nearly the same nearest images, and attacks reach them to within a few
percent."""

ATTACK = ["attack", *NETS_IMAGE]
WARNING, MASKED = "warning", "gradients masked"
"""Name of a column of tables, and the beginning of its texts."""

PROBABILITIES = "outputs are probabilities, not logits: gradient attacks are too weak"


Unclipped = Mapping[str, Sequence[str]]
"""Images that were asked to leave the box: under "experiments" those whose amplified images may,
under "attacks" the attacks and controls that may."""

ALL_INSIDE: Unclipped = {}


def signs(
    attacks: pd.DataFrame, transfer: Frame, unclipped: Unclipped = ALL_INSIDE
) -> pd.DataFrame:
    """Count images with vanishing gradients, and images where others beat the net's own attack.

    The count is over the attacked images that the net gets right unaltered; attacks that take no
    gradient are left out. The others are images made for other nets, amplified or not, and noise.
    One of them does better if the net is wrong on it and the net's own attack failed, or if it
    meets the attack's goal nearer to the original (`NEARER`). Images that were asked to leave the
    box show nothing: the net's own attack, which has to stay inside, solves a harder problem.

    Args:
        attacks: attacked images, a row each.
        transfer: answers to attacked images of the same experiments, with schema
            `measurements.transfer.TRANSFER`.
        unclipped: what may leave the box.

    Returns:
        A row per net and seed: `net`, `seed`, and the numbers of images `n`, `vanished` and
        `beaten`.
    """
    rows = tried(attacks)
    took = rows.groupby(["net", "seed", "attack"])["backwards"].transform("sum") > 0
    rows = rows.loc[took, [*ATTACK, "target", "status", "fooled", "distortion"]]
    shown = parted(transfer).by("victim", OTHERS)
    inside = (part[~_may_leave_the_box(part, unclipped)] for part in shown)
    found = pd.concat([_beaten(rows, _fooling_others(part)) for part in inside])
    beaten = found.drop_duplicates().assign(beaten=1)
    rows = rows.merge(beaten, on=ATTACK, how="left").fillna({"beaten": 0})
    rows = rows.assign(vanished=rows["status"] == Status.GRADIENT_VANISHED.name, n=1)
    total = rows.groupby(["net", "seed"], sort=False)[["n", "vanished", "beaten"]].sum()
    return total.astype(int).reset_index()


def _beaten(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return the attacks beaten by others' images: nearer ones, or any where the attack failed."""
    seen = rows[rows["net"].isin(others["net"].unique())].merge(others, on=ATTACK[1:])
    met = seen["target"].isna() | (seen["answer"] == seen["target"]).fillna(False)
    better = ~seen["fooled"] | (met & (seen["theirs"] < NEARER * seen["distortion"]))
    return seen.loc[better.astype(bool), ATTACK].drop_duplicates()


OTHERS = ["experiment", "source", "attack", "amplified_to", "seed", "victim", "victim_seed",
          "dataset", "file", "index", "prediction", "outcome", "distortion"]  # fmt: skip
"""Columns of the transfer table that are read here."""


def _may_leave_the_box(transfer: pd.DataFrame, unclipped: Unclipped) -> pd.Series:
    amplified = transfer["experiment"].isin(unclipped.get("experiments", []))
    amplified &= transfer["amplified_to"].notna()
    return amplified | transfer["attack"].isin(unclipped.get("attacks", []))


def _fooling_others(transfer: pd.DataFrame) -> pd.DataFrame:
    """Images not made for a net that fool it, with its `answer` and their distortion `theirs`."""
    of_others = transfer["source"].isna() | (transfer["source"] != transfer["victim"])
    wrong = transfer["outcome"] == WRONG
    rows = transfer[of_others & wrong & (transfer["seed"] == transfer["victim_seed"])]
    names = {"victim": "net", "prediction": "answer", "distortion": "theirs"}
    return rows.rename(columns=names)[[*ATTACK[1:], "answer", "theirs"]]


def warnings(
    attacks: pd.DataFrame, transfer: Frame, clean: Frame, unclipped: Unclipped = ALL_INSIDE
) -> pd.DataFrame:
    """Cell in a column "warning" for each attacked net with a sign of masked gradients.

    Nets whose outputs are probabilities have a warning as well, whatever attack was used: an attack
    that takes them for logits has flattened gradients.

    Args:
        attacks: attacked images, a row each.
        transfer: answers to attacked images of the same experiments, with schema
            `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        unclipped: what may leave the box.
    """
    by_seed = signs(attacks, transfer, unclipped)
    found = by_seed.groupby("net", sort=False)[["n", "vanished", "beaten"]].sum()
    least = np.maximum(MANY * found["n"], FEWEST)
    found = found[(found["vanished"] >= least) | (found["beaten"] >= least)]
    texts: dict[str, str] = {}
    for of in found.itertuples():
        shown = [f"zero at {of.vanished} of {of.n} images"] if of.vanished else []
        shown += (
            [f"transferred or noisy images do better on {of.beaten} of {of.n}"] if of.beaten else []
        )
        texts[str(of.Index)] = f"{MASKED}: {'; '.join(shown)}"
    for net in _with_probabilities(clean, attacks["net"].unique()):
        texts[net] = "; ".join(filter(None, [PROBABILITIES, texts.get(net)]))
    return pd.DataFrame(
        {
            "row": list(texts), "column": WARNING, "column_label": WARNING, "unit": "",
            "value": np.nan, "text": list(texts.values()), "n": 0, "networks": 0,
        }
    )  # fmt: skip


def _with_probabilities(clean: Frame, nets: np.ndarray) -> list[str]:
    """Nets whose outputs are all probabilities."""
    seen = parted(clean).distinct(["net", "outcome", "probabilities"])
    answered = seen[seen["outcome"].notna() & seen["net"].isin(nets)]
    always = answered.groupby("net", sort=False)["probabilities"].all()
    return [str(net) for net in always.index[always]]
