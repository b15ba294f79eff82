"""Signs that an attack could not follow a net's gradient, which looks like robustness.

Athalye, Carlini and Wagner 2018, "Obfuscated gradients give a false sense of security", and Carlini
et al. 2019, "On evaluating adversarial robustness", section 3: an attack that does not see the net
must not do better than one that does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from blindspots.analyses.attacked import tried
from blindspots.threat.outcomes import is_wrong

VANISHED = "GRADIENT_VANISHED"
"""Of `interface.Status`, as tables of attacks have it."""

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


def signs(attacks: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """How often gradients vanish, and other images do better than the net's own attack.

    Over the attacked images that the net does not get wrong unaltered. Other images are those made
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
    rows = rows[~is_wrong(rows["prediction"], rows["label"]).astype(bool)]
    took = rows.groupby(["net", "seed", "attack"])["backwards"].transform("sum") > 0
    rows = rows.loc[took, [*ATTACK, "target", "status", "fooled", "distortion"]]
    seen = rows.merge(_fooling_others(transfer), on=ATTACK[1:])
    met = seen["target"].isna() | (seen["answer"] == seen["target"]).fillna(False)
    better = ~seen["fooled"] | (met & (seen["theirs"] < NEARER * seen["distortion"]))
    beaten = seen.loc[better.astype(bool), ATTACK].drop_duplicates().assign(beaten=1)
    rows = rows.merge(beaten, on=ATTACK, how="left").fillna({"beaten": 0})
    rows = rows.assign(vanished=rows["status"] == VANISHED, n=1)
    found = rows.groupby(["net", "seed"], sort=False)[["n", "vanished", "beaten"]].sum()
    return found.astype(int).reset_index()


def _fooling_others(transfer: pd.DataFrame) -> pd.DataFrame:
    """Images that fool nets and were not made for them: the `answer`, and `theirs`, how far."""
    of_others = transfer["source"].isna() | (transfer["source"] != transfer["victim"])
    wrong = is_wrong(transfer["prediction"], transfer["label"])
    rows = transfer[of_others & wrong & (transfer["seed"] == transfer["victim_seed"])]
    names = {"victim": "net", "prediction": "answer", "distortion": "theirs"}
    return rows.rename(columns=names)[[*ATTACK[1:], "answer", "theirs"]]


def warnings(attacks: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """A cell in a column "warning" for each net whose gradients look masked; none elsewhere.

    Args:
        attacks: as `signs`.
        transfer: as `signs`.
    """
    found = signs(attacks, transfer).groupby("net", sort=False)[["n", "vanished", "beaten"]].sum()
    least = np.maximum(MANY * found["n"], FEWEST)
    found = found[(found["vanished"] >= least) | (found["beaten"] >= least)]
    texts = []
    for of in found.itertuples():
        shown = [f"zero at {of.vanished} of {of.n} images"] if of.vanished else []
        shown += [f"other images do better at {of.beaten} of {of.n}"] if of.beaten else []
        texts.append(f"{MASKED}: {'; '.join(shown)}")
    return pd.DataFrame(
        {
            "row": list(found.index), "column": WARNING, "column_label": WARNING, "unit": "",
            "value": np.nan, "text": texts, "n": 0, "networks": 0,
        }
    )  # fmt: skip
