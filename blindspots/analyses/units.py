"""Units against rotations of their frame: differences, tests, and a rule-based verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from blindspots.analyses._unit_tests import (
    Primary,
    check_rotations,
    corrected,
    is_primary,
    judged,
    over_all,
    tested,
)
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
)
from blindspots.analyses.contract import needs
from blindspots.analyses.kit import OVER_ALL, cells, number, over_seeds
from blindspots.files.parts import Frame
from blindspots.limits import Positive
from blindspots.statistics import Interval, student

CORNER = "layer"
"""Heading of the first column (`report.summaries`)."""

HEADLINE = "counted verdicts"
"""Part of the table that the report's first screen shows (`report.headlines`)."""

NOTE = (
    "Verdicts and p values: cells marked primary are tested alone at 5%, and the row over all "
    "joins them; all other cells are corrected (Holm 1979), unless marked uncorrected: differences "
    "and equivalences as two families, each of which has a false one in at most 5% of cases."
)
"""Explanation of the figures (`report.summaries`)."""

Show = Literal["verdict", "difference", "effect", "rotation p", "equivalence p", "directions"]
ONE_NETWORK = "needs several networks (seeds) whose differences are not all equal"
PRIMARY, UNCORRECTED = " (primary)", " (uncorrected)"

COLUMNS = ("purity", "entropy", "auc", "information", "pixels", "features", "kurtosis", "accuracy")
"""Columns of the table (`config.cells`)."""


@needs(
    "corrected p values need 20 per cell of the table, less 1, and no fewer than 999; raise it, "
    "measure fewer layers, or set untrained: false or correct: false in the table",
    rotations=lambda measured, table: (
        max(
            999,
            20
            * (
                len(measured["nets"])
                * (1 if measured["layers"] == "all" else len(measured["layers"]))
                * (8 if "reference" in measured["parents"] else 7)
                * (1 + (measured["untrained"] and table["untrained"]))
                - (len(measured["nets"]) if table["primary"] else 0)
            )
            - 1,
        )
        if table["correct"] and table["show"] in ("verdict", "rotation p")
        else 0
    ),
)
def units(
    units: pd.DataFrame,
    unit_rotations: Frame,
    *,
    show: Show = "verdict",
    scaling: Scaling = "matched",
    primary: Primary | None = None,
    correct: bool = True,
    untrained: bool = True,
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
      networks excludes 0, and p ≤ 0.05 by the rotations (by Student's t test for a measure without
      rotations);
    * cannot tell: otherwise, on fewer than two networks, and where all have the same difference,
      which says nothing of others.

    The cells of the primary endpoint, one per trained net, are each tested at 5%. The p values of
    all other cells of the table are corrected together by Holm 1979: those of the differences, and
    those of equivalence, two families of 5% each. As the least p of R rotations is 1 / (R + 1), a
    correction of the former for m cells needs R + 1 ≥ 20 m, and no fewer than 999 rotations are
    accepted.

    The row "over all" is the one verdict on the primary endpoint in all its nets: equal if each
    net's equivalence test says so at 5%, which needs no correction (intersection–union test); units
    more if for some net the difference is above the margin by an interval of 1 − 0.05 / nets
    (Bonferroni, the first step of Holm's test), and units less if it is below minus the margin;
    cannot tell if neither or both are. Its difference is the largest of a net, with the interval
    whose ends these rules use (`statistics.largest_mean`), none if a net's networks all have the
    same; its rotation p is the least after Holm over the nets, and its equivalence p the largest.

    Units without a value, which are dead or have tied top images, are left out; "directions" counts
    the others.

    Args:
        units: measures of directions, with schema `measurements.units.tables.UNITS`.
        unit_rotations: means of rotations, with schema `measurements.units.tables.UNIT_ROTATIONS`.
        show: "verdict"; "difference" (units minus rotations, with Student's interval over
            networks); "effect" (the difference in standard deviations of the rotations' means);
            "rotation p" (two-sided, the mean over networks among the means of the rotations);
            "equivalence p"; "directions" (number of units that have a value).
        scaling: scaling of the activations, "raw", "matched" or "whitened".
        primary: layer and measure of the primary endpoint, fixed before the results are known; by
            default there is none.
        correct: whether p values and verdicts of cells other than the primary ones are corrected
            for their number.
        untrained: whether to show the nets as initialised, too.
        margins: equivalence margin of each measure, in its unit, fixed before the results are
            known; `analyses.arms.MARGINS` for measures without one.
        labels: display name of each net.

    Raises:
        InputError: a scaling or a primary endpoint that was not measured, or too few rotations.
    """
    units = of_scaling(units, scaling)
    units = units if untrained else units[units["trained"]]
    layers = layer_labels(units, labels)
    if show == "directions":
        counted = means(units[units["arm"] == "units"])
        values = counted.assign(value=counted["directions"].astype(float))
        return cells(over_seeds(_labelled(values, layers).assign(unit=""), KEYS), {})
    found = differences(units, unit_rotations)
    if show == "effect":
        values = found.assign(value=found["effect"], reason=found["without_effect"])
        return cells(over_seeds(_labelled(values, layers).assign(unit=""), KEYS), {})
    allowed = MARGINS | {str(name): margin for name, margin in (margins or {}).items()}
    tests = tested(found, units, unit_rotations, allowed)
    alone = is_primary(tests, primary)
    if show == "difference":
        finished = over_seeds(_labelled(found, layers).assign(unit=""), KEYS)
    else:
        if correct and show != "equivalence p":
            check_rotations(tests, alone)
        shown = (corrected(tests, alone) if correct else tests).assign(alone=alone)
        finished = _tests(_labelled(shown, layers), show, correct)
    if primary is not None and alone.any():
        joined = _over_all(over_all(tests[alone], allowed[primary["measure"]]), primary, show)
        finished = pd.concat([pd.DataFrame([joined]), finished])
    return cells(finished, {})


KEYS = ["row", "row_label", "column", "column_label", "unit"]


def _labelled(values: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """Add labels of rows (layers) and columns (measures), sorted by layer."""
    named = {name: measure.label for name, measure in MEASURES.items()}
    labelled = layers.merge(values, on=LAYER, sort=False)
    return labelled.assign(column=labelled["measure"], column_label=labelled["measure"].map(named))


def _tests(tests: pd.DataFrame, show: Show, correct: bool) -> pd.DataFrame:
    """Cells with verdicts or p values, and how they are corrected if not by Holm."""
    marks = [PRIMARY if alone else "" if correct else UNCORRECTED for alone in tests["alone"]]
    if show == "verdict":
        said = [
            judged(Interval(*student(row.signed)), row.difference_p, row.equivalence_p) + mark
            if row.networks
            else None
            for row, mark in zip(tests.itertuples(), marks, strict=True)
        ]
        return tests.assign(text=said, unit="")
    p = tests[show.replace(" ", "_")]
    texts = [
        number(value, "p") + mark if mark and not np.isnan(value) else None
        for value, mark in zip(p, marks, strict=True)
    ]
    alone = NO_ROTATIONS if show == "rotation p" else ONE_NETWORK
    return tests.assign(value=p, text=texts, unit="p", reason=tests["reason"].fillna(alone))


def _over_all(joined: Mapping[str, object], primary: Primary, show: Show) -> dict[str, object]:
    """Cell of the row `OVER_ALL`."""
    common = {
        "row": OVER_ALL, "row_label": f"{OVER_ALL}: layer {primary['layer']} of the trained nets",
        "column": primary["measure"], "column_label": MEASURES[primary["measure"]].label,
        **{key: joined[key] for key in ("n", "networks", "reason")}, "unit": "",
    }  # fmt: skip
    if show == "verdict":
        return common | {"text": joined["verdict"]}
    if show == "difference":
        ends = {key: joined[key] for key in ("value", "low", "high")}
        return common | ends | {"interval": "extreme"}
    alone = NO_ROTATIONS if show == "rotation p" else ONE_NETWORK
    value = joined[show.replace(" ", "_")]
    return common | {"value": value, "unit": "p", "reason": joined["reason"] or alone}
