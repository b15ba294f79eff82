"""Error against radius: error of nets within a distance, by the strongest attack on each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd

from blindspots.analyses.kit import NETS_IMAGE, cells, over_seeds
from blindspots.analyses.threats import across
from blindspots.files.parts import Frame, parted
from blindspots.limits import at_least, distinct, some

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

QUANTILES = (0.25, 0.5, 0.75)
"""Quantiles of the distances found that are the radii if neither config nor attacks give any."""

ROW_NAMES = ("{nets}",)
COLUMNS = ("found at *", "open at *")
"""Rows and columns of the table (`config.cells`)."""


@across
def robustness(
    ledger: Frame,
    attacks: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    norm: Literal["l0", "l1", "l2", "linf"] | None = None,
    radii: Annotated[Sequence[Annotated[float, at_least(0)]], some(), distinct()] | None = None,
) -> pd.DataFrame:
    """Error of each net within each radius, from below and from above.

    From below: images that the net gets wrong unaltered, or whose nearest witness in the ledger, by
    any attack, is within the radius. From above: images without a certificate beyond the radius.
    Rejected answers are not errors.

    Args:
        ledger: bounds of each image, with schema `jobs.ledger.SCHEMA`.
        attacks: attacked images of the experiment; their nets and images are used.
        labels: display name of each net.
        norm: norm of the radii; None: the norm of the attacks with a radius, otherwise L2.
        radii: radii, ascending; None: the radii of the attacks in this norm, otherwise quartiles of
            the distances found.
    """
    of_radii: str = norm or _norm_of(attacks)
    shown = parted(ledger).of("norm", [of_radii], [*NETS_IMAGE, "norm", "goal", "upper", "lower"])
    shown = shown[shown["goal"] == "any"]
    rows = attacks[NETS_IMAGE].drop_duplicates().merge(shown, on=NETS_IMAGE)
    found = [
        {"row": net, "seed": seed, "n": len(of)} | cell
        for (net, seed), of in rows.groupby(["net", "seed"], sort=False)
        for cell in _of(of, of_radii, radii or _radii(attacks, rows, of_radii))
    ]
    keys = ["row", "column", "column_label", "unit"]
    values = pd.DataFrame(found, columns=[*keys, "seed", "value", "n", "reason"])
    return cells(over_seeds(values, keys), labels)


def _norm_of(attacks: pd.DataFrame) -> str:
    """Norm of the attacks with a radius; L2 if there are none."""
    known = attacks.loc[attacks["eps"].notna(), "norm"]
    return str(known.iloc[0]) if len(known) else "l2"


def _radii(attacks: pd.DataFrame, rows: pd.DataFrame, norm: str) -> list[float]:
    asked = attacks.loc[attacks["norm"] == norm, "eps"].dropna().unique()
    if len(asked) == 0:
        distances = rows.loc[rows["upper"] > 0, "upper"]
        asked = np.unique(distances.quantile(QUANTILES)) if len(distances) else []
    return sorted(float(radius) for radius in asked)


def _of(rows: pd.DataFrame, norm: str, radii: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Cells of one network."""
    certified = rows["lower"].notna().any()
    for radius in sorted(radii):
        at = f"{norm} {radius:.4g}"
        # Stored lengths are float64, but computed from pixels rounded to float32.
        reached = rows["upper"] <= radius * (1 + 1e-6)
        yield {
            "column": f"found at {at}", "column_label": f"error found within {at}",
            "unit": "% error", "value": 100 * reached.mean(), "reason": None,
        }  # fmt: skip
        yield {
            "column": f"open at {at}", "column_label": f"error not excluded within {at}",
            "unit": "% error",
            "value": 100 * (~(rows["lower"] > radius)).mean() if certified else np.nan,
            "reason": None if certified else "no certificate",
        }  # fmt: skip
