"""Norms of linear layers, as in Table 5 of Szegedy et al. 2013 (section 4.3)."""

from __future__ import annotations

import pandas as pd

from blindspots.analyses.kit import cells

CORNER = "layer"
"""Heading of the first column (`report.summaries`)."""

HEADLINE = {"value": "Norm of a linear layer"}
"""Part of the table that the report's first screen shows (`report.headlines`)."""

COLUMNS = {
    "value": "norm",
    "upper": "proven upper bound",
    "fourier": "equation 1, corrected",
    "printed": "equation 1 as printed",
    "frame": "lower frame bound",
}


def operators(operators: pd.DataFrame) -> pd.DataFrame:
    """Origin of a network's weights, and the norms of each linear layer with their bounds.

    Args:
        operators: norms of one network's layers, with schema `measurements.operators.OPERATORS`.
    """
    layers = operators.assign(
        row=[str(number) for number in range(1, len(operators) + 1)],
        row_label=operators["layer"] + ": " + operators["weights"],
        reason="not a convolution",
        n=0,
        networks=1,
    )
    origin = layers.head(1).assign(row="weights", row_label="weights", text=layers["origin"])
    found = [origin.assign(column="value", column_label=COLUMNS["value"])]
    found += [
        layers.assign(column=column, column_label=label, value=layers[column])
        for column, label in COLUMNS.items()
    ]
    return cells(pd.concat(found).assign(unit=""), {})
