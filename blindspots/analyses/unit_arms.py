"""Mean of each measure for each arm of directions, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from blindspots.analyses.arms import (
    ARMS,
    LAYER,
    MEASURES,
    Scaling,
    layer_labels,
    means,
    of_scaling,
)
from blindspots.analyses.kit import cells, over_seeds

CORNER = "layer: directions"
"""Heading of the first column (`report.summaries`)."""
COLUMNS = ("purity", "entropy", "auc", "information", "pixels", "features", "kurtosis", "accuracy")
"""Columns of the table (`config.cells`)."""


def unit_arms(
    units: pd.DataFrame, *, scaling: Scaling = "matched", labels: Mapping[str, str]
) -> pd.DataFrame:
    """Means over the directions of an arm, and then over networks, with Student's interval.

    Args:
        units: measures of directions, with schema `measurements.units.tables.UNITS`.
        scaling: scaling of the activations, "raw", "matched" or "whitened".
        labels: display name of each net.

    Raises:
        InputError: a scaling that was not measured.
    """
    units = of_scaling(units, scaling)
    layers = layer_labels(units, labels)
    rows = layers.merge(means(units), on=LAYER, sort=False)
    values = rows.assign(
        row=rows["row"] + "/" + rows["arm"],
        row_label=rows["row_label"] + ": " + rows["arm"].map(ARMS),
        column=rows["measure"],
        column_label=rows["measure"].map({name: m.label for name, m in MEASURES.items()}),
        unit="",
    )
    keys = ["row", "row_label", "column", "column_label", "unit"]
    return cells(over_seeds(values, keys), {})
