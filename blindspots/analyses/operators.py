"""Norms of linear layers, as in Table 5 of Szegedy et al. 2013 (section 4.3)."""

from __future__ import annotations

import pandas as pd

from blindspots.analyses.kit import cells

HEADLINE = {"value": "Norm of a linear layer"}
"""What the report's first screen shows of the table (`report.headlines`)."""

COLUMNS = {
    "value": "norm",
    "upper": "proven upper bound",
    "fourier": "equation 1, corrected",
    "printed": "equation 1 as printed",
    "frame": "lower frame bound",
}


def operators(operators: pd.DataFrame) -> pd.DataFrame:
    """Where a network's weights are from, and all that is known of each linear layer's norm.

    Args:
        operators: of one network, with schema `measurements.operators.OPERATORS`.
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
