"""What analyses of transfer share: pairs of a source and a victim, image by image."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

IMAGE = ["seed", "file", "index"]
PAIR = ["source", "victim", "seed"]


def pairs(transfer: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Every victim's answers to other nets' attacked images, beside those to the unaltered ones.

    Args:
        transfer: with schema `_tables.TRANSFER`; controls, amplified images and a net's own are
            left out, and so are victims of other seeds.
        clean: with schema `answers.CLEAN`.

    Returns:
        A row per source, victim and image: `attacked`, `clean` (whether the victim is wrong on the
        attacked and on the unaltered image), `source_clean` (the source on the unaltered one).
    """
    rows = transfer[transfer["source"].notna() & transfer["amplified_to"].isna()]
    rows = rows[(rows["source"] != rows["victim"]) & (rows["seed"] == rows["victim_seed"])]
    rows = rows.assign(attacked=rows["prediction"] != rows["label"])
    known = clean[clean["prediction"].notna()]
    known = known.assign(wrong=known["prediction"] != known["label"])[["net", *IMAGE, "wrong"]]
    for role, name in (("victim", "clean"), ("source", "source_clean")):
        answers = known.rename(columns={"net": role, "wrong": name})
        rows = rows.merge(answers, on=[role, *IMAGE], how="left", validate="many_to_one")
    columns = ["experiment", *PAIR, "file", "index", "success", "attacked", "clean", "source_clean"]
    return rows[columns].astype({"attacked": bool, "clean": bool, "source_clean": bool})


def arrow(source: str, victim: str, labels: Mapping[str, str] | None = None) -> str:
    """A pair's name in a table, by the nets' names or by their labels."""
    known = labels or {}
    return f"{known.get(source, source)} → {known.get(victim, victim)}"
