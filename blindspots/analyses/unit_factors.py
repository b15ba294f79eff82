"""Dependence of the difference between units and rotations on seed, net and layer."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pandas as pd

from blindspots.analyses.arms import (
    LAYER,
    MEASURES,
    Scaling,
    differences,
    layer_labels,
    of_scaling,
)
from blindspots.analyses.kit import cells, over_seeds
from blindspots.files.parts import Frame

CORNER = "contrast"
"""Heading of the first column (`report.summaries`)."""
COLUMNS = ("purity", "entropy", "auc", "information", "pixels", "features", "kurtosis", "accuracy")
"""Columns of the table (`config.cells`)."""


def unit_factors(
    units: pd.DataFrame,
    unit_rotations: Frame,
    *,
    scaling: Scaling = "matched",
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Contrasts of the difference between the units' mean and the mean of their rotations.

    The difference, signed so that larger means more interpretable units, is averaged over the
    layers before a network's nonlinearities and over those after them, using only layers that have
    a difference for every seed. A contrast is one such average minus another, seed by seed.

    Args:
        units: measures of directions, with schema `measurements.units.tables.UNITS`.
        unit_rotations: means of rotations, with schema `measurements.units.tables.UNIT_ROTATIONS`.
        scaling: scaling of the activations, "raw", "matched" or "whitened".
        labels: display name of each net.

    Returns:
        A row per contrast: after minus before the nonlinearity, trained minus untrained, and one
        net minus another (of another activation function, say); with Student's intervals over
        seeds.

    Raises:
        InputError: a scaling that was not measured.
    """
    units = of_scaling(units, scaling)
    found = differences(units, unit_rotations)
    found = found.merge(layer_labels(units, labels)[[*LAYER, "place"]], on=LAYER)
    signs = found["measure"].map({name: m.sign for name, m in MEASURES.items()})
    found["value"] *= signs.astype(float)
    placed = found[found["place"] != "neither"]
    # Only layers with a value for every seed: all averages must be over the same layers.
    whole = placed.groupby([*LAYER, "measure"])["value"].transform(lambda of: of.notna().all())
    averages = (
        placed[whole.astype(bool)]
        .groupby(["net", "trained", "place", "measure", "seed"], sort=False)["value"]
        .mean()
    )
    contrasts, averages = _contrasts(averages, labels), averages.sort_index()
    rows = []
    for label, first, second in contrasts:
        for name, measure in MEASURES.items():
            of = _of(averages, *first, name) - _of(averages, *second, name)
            rows += [
                {
                    "row": label, "row_label": label, "column": name,
                    "column_label": measure.label, "unit": "", "value": value, "n": n,
                    "reason": "no value for the difference between units and rotations",
                }
                for value, n in ((v, int(units["n"].iloc[0])) for v in of)
            ]  # fmt: skip
    keys = ["row", "row_label", "column", "column_label", "unit"]
    frame = pd.DataFrame(rows, columns=[*keys, "value", "n", "reason"])
    return cells(over_seeds(frame, keys), {})


Place = tuple[str, bool, str]
"""Net, whether it is trained, and place of its layers."""


def _contrasts(averages: pd.Series, labels: Mapping[str, str]) -> list[tuple[str, Place, Place]]:
    there = set(averages.index.droplevel(["measure", "seed"]))
    nets = list(dict.fromkeys(averages.index.get_level_values("net")))
    found: list[tuple[str, Place, Place]] = []

    def called(net: str, trained: bool = True) -> str:
        return labels.get(net, net) + ("" if trained else ", untrained")

    for net in nets:
        for trained in (True, False):
            label = f"{called(net, trained)}: after less before"
            found.append((label, (net, trained, "after"), (net, trained, "before")))
        for place in ("before", "after"):
            label = f"{called(net)}, {place}: trained less untrained"
            found.append((label, (net, True, place), (net, False, place)))
    for one, other in combinations(nets, 2):
        for place in ("before", "after"):
            label = f"{place}: {called(one)} less {called(other)}"
            found.append((label, (one, True, place), (other, True, place)))
    return [contrast for contrast in found if {contrast[1], contrast[2]} <= there]


def _of(averages: pd.Series, net: str, trained: bool, place: str, measure: str) -> pd.Series:
    """Averages by seed; empty if not measured."""
    try:
        return averages.loc[(net, trained, place, measure)]
    except KeyError:  # not measured
        return pd.Series(dtype=float)
