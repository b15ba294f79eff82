"""Signs that an attack could not follow a net's gradient, which looks like robustness.

Athalye, Carlini and Wagner 2018, "Obfuscated gradients give a false sense of security", and Carlini
et al. 2019, "On evaluating adversarial robustness", section 3: an attack that does not see the net
must not do better than one that does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from blindspots.analyses.attacked import tried
from blindspots.files.parts import Frame, parted
from blindspots.threat.outcomes import WRONG

VANISHED = "GRADIENT_VANISHED"
"""Name of the `interface.Status` in tables of attacks."""

MANY, FEWEST = 0.1, 2
"""A sign is a sign at so large a share of the images, and at two at least: searches fail now and
then, at one image in a hundred or so, for reasons of their own."""

NEARER = 0.9
"""Another's image is nearer where its distance is less than this share of the attack's own: nets
that share layers have nearly the same nearest images, and how well an attack ends on them differs
by a few percent."""

ATTACK = ["attack", "net", "seed", "dataset", "file", "index"]
WARNING, MASKED = "warning", "gradients masked"
"""A column of tables, and how its texts begin."""

PROBABILITIES = "answers are probabilities, not logits: attacks by gradients are too weak"


def signs(attacks: pd.DataFrame, transfer: Frame) -> pd.DataFrame:
    """Counts of images with vanishing gradients, and of those where others beat the net's attack.

    Over the attacked images that the net gets right unaltered. Other images are those made
    for other nets, as they are and amplified, and noise. One does better where the attack failed
    and the net is wrong on it; or where it meets the attack's goal, nearer to the original
    (`NEARER`). Attacks that take no gradient have no part in it.

    Args:
        attacks: a row per attacked image.
        transfer: with schema `measurements.transfer.TRANSFER`, of the same experiments.

    Returns:
        A row per net and seed: `net`, `seed`, `n` (images), `vanished` and `beaten` (how many).
    """
    rows = tried(attacks)
    took = rows.groupby(["net", "seed", "attack"])["backwards"].transform("sum") > 0
    rows = rows.loc[took, [*ATTACK, "target", "status", "fooled", "distortion"]]
    shown = parted(transfer).by("victim", OTHERS)
    found = pd.concat([_beaten(rows, _fooling_others(part)) for part in shown])
    beaten = found.drop_duplicates().assign(beaten=1)
    rows = rows.merge(beaten, on=ATTACK, how="left").fillna({"beaten": 0})
    rows = rows.assign(vanished=rows["status"] == VANISHED, n=1)
    total = rows.groupby(["net", "seed"], sort=False)[["n", "vanished", "beaten"]].sum()
    return total.astype(int).reset_index()


def _beaten(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The attacks whose nets some images of others fool that are nearer, or where they failed."""
    seen = rows[rows["net"].isin(others["net"].unique())].merge(others, on=ATTACK[1:])
    met = seen["target"].isna() | (seen["answer"] == seen["target"]).fillna(False)
    better = ~seen["fooled"] | (met & (seen["theirs"] < NEARER * seen["distortion"]))
    return seen.loc[better.astype(bool), ATTACK].drop_duplicates()


OTHERS = ["source", "seed", "victim", "victim_seed", "dataset", "file", "index", "prediction",
          "outcome", "distortion"]  # fmt: skip
"""Columns of a table of transfer that are read here."""


def _fooling_others(transfer: pd.DataFrame) -> pd.DataFrame:
    """Images that fool nets and were not made for them: the `answer`, and `theirs`, how far."""
    of_others = transfer["source"].isna() | (transfer["source"] != transfer["victim"])
    wrong = transfer["outcome"] == WRONG
    rows = transfer[of_others & wrong & (transfer["seed"] == transfer["victim_seed"])]
    names = {"victim": "net", "prediction": "answer", "distortion": "theirs"}
    return rows.rename(columns=names)[[*ATTACK[1:], "answer", "theirs"]]


def warnings(attacks: pd.DataFrame, transfer: Frame, clean: Frame) -> pd.DataFrame:
    """A cell in a column "warning" for each attacked net whose gradients look masked.

    Or whose answers are probabilities, which flatten the gradients of whatever takes them for
    logits, whatever attack was used.

    Args:
        attacks: as `signs`.
        transfer: as `signs`.
        clean: with schema `threat.answers.CLEAN`.
    """
    found = signs(attacks, transfer).groupby("net", sort=False)[["n", "vanished", "beaten"]].sum()
    least = np.maximum(MANY * found["n"], FEWEST)
    found = found[(found["vanished"] >= least) | (found["beaten"] >= least)]
    texts: dict[str, str] = {}
    for of in found.itertuples():
        shown = [f"zero at {of.vanished} of {of.n} images"] if of.vanished else []
        shown += [f"other images do better at {of.beaten} of {of.n}"] if of.beaten else []
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
    """Nets whose answers are all probabilities."""
    seen = parted(clean).distinct(["net", "outcome", "probabilities"])
    answered = seen[seen["outcome"].notna() & seen["net"].isin(nets)]
    always = answered.groupby("net", sort=False)["probabilities"].all()
    return [str(net) for net in always.index[always]]
