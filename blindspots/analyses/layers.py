"""Lipschitz bounds layer by layer, as in Table 5 of Szegedy et al. 2013 (section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses.kit import cells, over_seeds

CORNER = "net and layer"
"""Heading of the first column (`report.summaries`)."""

REPORT = {
    "set": "standard",
    "place": 4,
    "name": "lipschitz",
    "title": "Lipschitz bounds, layer by layer",
    "of": "Lipschitz bounds of {}",
}
"""Place and titles in a report set (`config.reporting`)."""

ROW_NAMES = ("{nets}:*",)
COLUMNS = ("bound", "product")
"""Rows and columns of the table (`config.cells`)."""


def layers(lipschitz: pd.DataFrame, *, labels: Mapping[str, str]) -> pd.DataFrame:
    """Bounds of the layers whose bound is not 1, and their cumulative product.

    A net without bounds has one row, with the reason.

    Args:
        lipschitz: bounds of each layer, with schema `measurements.layers.LIPSCHITZ`.
        labels: display name of each net.
    """
    bounded = lipschitz[lipschitz["bound"] != 1]
    rows = bounded.assign(
        row=bounded["net"] + ":" + bounded["layer"],
        row_label=[
            labels.get(row.net, row.net)
            + (f": {row.kind} {row.inputs} → {row.outputs}" if pd.notna(row.bound) else "")
            for row in bounded.itertuples()
        ],
    )
    found = [
        rows.assign(column=column, column_label=label, value=rows[column])
        for column, label in (("bound", "layer bound"), ("product", "cumulative product"))
    ]
    values = pd.concat(found).assign(unit="", n=0)
    keys = ["row", "row_label", "column", "column_label", "unit"]
    return cells(over_seeds(values, keys), labels)
