"""Units against rotations of their frame: differences, tests, and a rule-based verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pandas as pd

from blindspots.analyses.arms import (
    LAYER,
    MARGINS,
    MEASURES,
    NO_ROTATIONS,
    Measures,
    Scaling,
    differences,
    layer_labels,
    means,
    of_scaling,
    tested,
)
from blindspots.analyses.kit import cells, over_seeds
from blindspots.limits import Positive

CORNER = "layer"
"""Heading of the first column (`report.summaries`)."""

HEADLINE = "counted verdicts"
"""Part of the table that the report's first screen shows (`report.headlines`)."""

Show = Literal["verdict", "difference", "effect", "rotation p", "equivalence p", "directions"]
ONE_NETWORK = "needs several networks (seeds)"

COLUMNS = ("purity", "entropy", "auc", "information", "pixels", "features", "kurtosis", "accuracy")
"""Columns of the table (`config.cells`)."""


def units(
    units: pd.DataFrame,
    unit_rotations: pd.DataFrame,
    *,
    show: Show = "verdict",
    scaling: Scaling = "matched",
    margins: Mapping[Measures, Positive] | None = None,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Test whether units are more interpretable than directions, per layer and measure.

    The units of one network are not independent samples. The statistic is the units' mean of a
    measure. On each network it is compared with the means of Haar rotations of the same units, and
    over networks (seeds) the differences of the two are tested. The rule of the verdict:

    * equal: by two one-sided t tests over networks, the difference is within the equivalence
      margin;
    * units more (or less) interpretable: otherwise, if the 95% interval of the difference over
      networks excludes 0, and p ≤ 0.05 by the rotations (if the measure has rotations);
    * cannot tell: otherwise, and on fewer than two networks.

    Each cell is tested at 5%, without correction for the number of cells. Units without a value,
    which are dead or have tied top images, are left out; "directions" counts the others.

    Args:
        units: measures of directions, with schema `measurements.units.tables.UNITS`.
        unit_rotations: means of rotations, with schema `measurements.units.tables.UNIT_ROTATIONS`.
        show: "verdict"; "difference" (units minus rotations, with Student's interval over
            networks); "effect" (the difference in standard deviations of the rotations' means);
            "rotation p" (two-sided, the mean over networks among the means of the rotations);
            "equivalence p"; "directions" (number of units that have a value).
        scaling: scaling of the activations, "raw", "matched" or "whitened".
        margins: equivalence margin of each measure, in its unit, fixed before the results are
            known; `analyses.arms.MARGINS` for measures without one.
        labels: display name of each net.

    Raises:
        InputError: a scaling that was not measured.
    """
    units, rotations = of_scaling(units, scaling), of_scaling(unit_rotations, scaling)
    layers = layer_labels(units, labels)
    found = differences(units, rotations)
    if show == "directions":
        counted = means(units[units["arm"] == "units"])
        values = counted.assign(value=counted["directions"].astype(float))
        finished = over_seeds(_labelled(values, layers).assign(unit=""), KEYS)
    elif show in ("difference", "effect"):
        values = found
        if show == "effect":
            values = found.assign(value=found["effect"], reason=found["without_effect"])
        finished = over_seeds(_labelled(values, layers).assign(unit=""), KEYS)
    else:
        verdicts = _labelled(
            tested(
                found, rotations, MARGINS | {str(name): m for name, m in (margins or {}).items()}
            ),
            layers,
        )
        if show == "verdict":
            finished = verdicts.assign(text=verdicts["verdict"], unit="")
        else:
            p = verdicts[show.replace(" ", "_")]
            alone = NO_ROTATIONS if show == "rotation p" else ONE_NETWORK
            finished = verdicts.assign(value=p, unit="p", reason=verdicts["reason"].fillna(alone))
    return cells(finished, {})


KEYS = ["row", "row_label", "column", "column_label", "unit"]


def _labelled(values: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """Add labels of rows (layers) and columns (measures), sorted by layer."""
    named = {name: measure.label for name, measure in MEASURES.items()}
    labelled = layers.merge(values, on=LAYER, sort=False)
    return labelled.assign(column=labelled["measure"], column_label=labelled["measure"].map(named))
