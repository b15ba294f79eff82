"""Causes of transfer, similar and large gradients, next to the transfer observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from blindspots.analyses._mantel import mantel_p
from blindspots.analyses._pairs import PAIR, arrow, in_order, pairs
from blindspots.analyses.kit import cells, over_seeds
from blindspots.files.parts import Frame

CORNER = "source → victim"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "directions",
    "place": 3,
    "title": "Gradients of source and victim, and transfer",
    "of": "Gradients of source and victim, and transfer: {}",
}
"""Place and titles in a report set (`config.reporting`)."""

ROW_NAMES = ("* → *", "correlation", "correlation p")
"""Rows of the table (`config.cells`); its columns are the keys of `COLUMNS`."""

COLUMNS = {
    "cosine": ("cosine of the gradients", ""),
    "victim_gradient": ("victim's gradient", "L2"),
    "excess": ("error − clean error", "points"),
}
CORRELATION = "Spearman's ρ with the last column"
PERMUTED = "p of this ρ, permuting the nets"
FEW, MISSING = "fewer than three different values", "a pair without a value"


def alignment(
    gradients: pd.DataFrame,
    transfer: Frame,
    clean: Frame,
    *,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Compare two causes of transfer named by Demontis et al. 2019 with the transfer observed.

    The last rows have the rank correlation of each column with the excess error, over all pairs and
    seeds, and its p value. Pairs are not independent: those with the same victim share its
    gradients and its errors, so that 30 pairs of 6 nets are nearer to 6 draws than to 30. The test
    therefore permutes the nets (`_mantel.mantel_p`); one that permutes pairs finds small p values
    wherever one net differs from the others.

    Args:
        gradients: input gradients, with schema `measurements.gradients.GRADIENTS`.
        transfer: answers to attacked images, with schema `measurements.transfer.TRANSFER`.
        clean: answers to unaltered images, with schema `threat.answers.CLEAN`.
        labels: display name of each net.

    Returns:
        A row per source and other victim, and the rows "correlation" and "correlation p".
    """
    means = [of.groupby(PAIR, sort=False)["excess"].mean() for of in pairs(transfer, clean)]
    seen = in_order(pd.concat(means).reset_index(), transfer).merge(gradients, on=PAIR)
    found = [
        seen.assign(
            column=column, column_label=label, unit=unit, value=seen[column], tried=seen["n"]
        )
        for column, (label, unit) in COLUMNS.items()
    ]
    found[0] = found[0].assign(n=seen["compared"], reason="no image on which both have a gradient")
    keys = ["source", "victim", "column", "column_label", "unit"]
    values = over_seeds(pd.concat(found), keys)
    both = list(zip(values["source"], values["victim"], strict=True))
    values = values.assign(
        row=[arrow(*pair) for pair in both], row_label=[arrow(*pair, labels) for pair in both]
    )
    last = [cell for column in ("cosine", "victim_gradient") for cell in _correlated(seen, column)]
    return cells(pd.concat([values, pd.DataFrame(last)]), labels)


def _correlated(seen: pd.DataFrame, column: str) -> Iterator[dict[str, Any]]:
    """Yield the rank correlation of a column with the excess error, and its p value."""
    label, unit = COLUMNS[column]
    of_column = {"column": column, "column_label": label, "n": 0, "networks": 1}
    varied = min(seen[column].nunique(), seen["excess"].nunique()) > 2
    rho = seen[column].corr(seen["excess"], method="spearman") if varied else None
    yield of_column | {
        "row": "correlation", "row_label": CORRELATION, "unit": unit, "value": rho, "reason": FEW,
    }  # fmt: skip
    p = mantel_p(seen[seen[column].notna()], column, "excess") if varied else None
    yield of_column | {
        "row": "correlation p", "row_label": PERMUTED, "unit": "p", "value": p,
        "reason": MISSING if varied else FEW,
    }  # fmt: skip
