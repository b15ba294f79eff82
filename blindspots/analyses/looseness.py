"""Lipschitz bounds next to the steepest slopes found: how loose a bound may be."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses.kit import cells, over_seeds

CORNER = "net"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "bounds",
    "place": 1,
    "title": "Lipschitz constants: bounds and the steepest slopes found",
    "of": "Lipschitz constants of {}: bounds and the steepest slopes found",
}
"""Place and titles in a report set (`config.reporting`)."""

HEADLINE = {"product/found": "Product bound over the steepest slope found"}
"""Part of the table that the report's first screen shows (`report.headlines`)."""

NAMES = {"product": "product bound", "eclipse": "ECLipsE-Fast", "lipsdp": "LipSDP-Neuron"}
FOUND = {"attacked": "attacked images", "jacobian": "Jacobians", "ascent": "Jacobians by ascent"}

ROW_NAMES = ("{nets}",)
COLUMNS = (
    "attacked", "jacobian", "ascent", "product", "product/found", "eclipse", "eclipse/found",
    "lipsdp", "lipsdp/found",
)  # fmt: skip
"""Rows and columns of the table (`config.cells`)."""


def looseness(looseness: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """Steepest slopes found, bounds, and each bound over the steepest slope, per net.

    Args:
        looseness: bounds of each net, with schema `measurements.looseness.LOOSENESS`.
        labels: display name of each net.

    Raises:
        AssertionError: a slope above a proven bound, so that one of the two is wrong.
    """
    lower = looseness[looseness["side"] == "lower"]
    steepest = lower.groupby(["net", "seed"], sort=False)["value"].max().rename("steepest")
    upper = looseness[looseness["side"] == "upper"].merge(steepest, on=["net", "seed"])
    upper["over"] = upper["value"] / upper["steepest"]
    for row in upper[upper["over"] < 1].itertuples():
        raise AssertionError(
            f"looseness: net {row.net} (seed {row.seed}): expected every slope to be at most the "
            f"bound, found {row.steepest:.9g} above {row.value:.9g} ({row.method})"
        )
    found = [
        lower.assign(column=lower["method"], column_label=lower["method"].map(FOUND)),
        upper.assign(column=upper["method"], column_label=upper["method"].map(NAMES)),
        upper.assign(
            column=upper["method"] + "/found",
            column_label=upper["method"].map(NAMES) + " / steepest",
            value=upper["over"],
        ),
    ]
    values = pd.concat(found).assign(unit="").rename(columns={"net": "row"})
    keys = ["row", "column", "column_label", "unit"]
    return cells(over_seeds(values, keys), labels)
