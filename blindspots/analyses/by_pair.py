"""Transfer at equal length by what two nets have in common: training images or properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import permutations
from typing import Annotated

import pandas as pd

from blindspots.analyses._clean import has
from blindspots.analyses.kit import cells, over_seeds
from blindspots.analyses.threats import across
from blindspots.limits import one_of_its, some

NOISE = "noise"
"""Isotropic noise among the directions of `measurements.sweep.CURVES`."""

CORNER = "pairs of nets"
"""Heading of the first column (`report.summaries`)."""

NOTE = (
    "Means over the pairs of a source and another victim of one seed. At each length, attacked "
    "images and noise are moved equally far. Of the attacked images those count on which the "
    "attack succeeded, of noise all."
)

ROW_NAMES = ("*%", "*% less *%", "same", "{differences}", "{differences}, *", "* less *")
COLUMNS = ("noise at *", "raw at *")
"""Rows and columns of the table (`config.cells`)."""

Differences = Mapping[str, Annotated[Sequence[Annotated[str, one_of_its("patterns")]], some()]]


@across
def by_pair(
    curves: pd.DataFrame,
    split: pd.DataFrame,
    *,
    trained_on: Mapping[str, str | None],
    differences: Differences | None = None,
) -> pd.DataFrame:
    """Error of victims on other nets' images beyond noise of equal length, by group of pairs.

    Pairs are averaged within a seed; intervals are Student's over seeds. On one seed there is none:
    the mean over pairs that share nets and images is no rate of one network.

    Args:
        curves: error against distortion, with schema `measurements.sweep.CURVES`.
        split: part of the split of each image.
        trained_on: part that each net itself was trained on, without its parents; None: unknown.
        differences: properties of nets by name, each with patterns of nets' names: a net's value is
            the first pattern that fits, or none. Pairs are grouped by the properties in which the
            two differ; None: by the share of training images that they have in common.

    Returns:
        A row per group, the most alike first: for each length the error minus that under noise, and
        the error. For each other group a row with the first one's error beyond noise minus its own.
    """
    found = grouped(curves, split, trained_on, differences)
    pairs = found.groupby("row")["pairs"].transform("max").astype(str)
    told = found.assign(row_label=found["row_label"] + " (" + pairs + " pairs)")
    values = pd.concat([*_cells(told), *_cells(_contrasts(found))])
    if values["direction"].nunique() > 1:
        values["row"] = values["direction"] + "/" + values["row"]
        values["row_label"] = values["direction"] + ": " + values["row_label"]
    keys = ["row", "row_label", "column", "column_label", "unit"]
    finished = over_seeds(values, keys)
    ends = ["low", "high", "interval"]
    finished[ends] = finished[ends].mask(finished["networks"] < 2)
    return cells(finished, {})


GROUP = ["place", "row", "row_label"]
"""Columns that identify a group; the most alike pairs have the smallest `place`."""


def grouped(
    curves: pd.DataFrame,
    split: pd.DataFrame,
    trained_on: Mapping[str, str | None],
    differences: Differences | None,
) -> pd.DataFrame:
    """Mean errors of the pairs of each group, by seed; the parameters are those of `by_pair`.

    Returns:
        A row per `direction`, group (`GROUP`), `distortion` and `seed`, in this order: `raw`, the
        error in percent; `noise`, it minus the error under noise, in percentage points; `pairs` and
        `n`, the numbers of pairs and of images.
    """
    rows = curves[curves["n"] >= 1]  # for noise, a mean over draws
    rows = rows.assign(raw=100.0 * rows["wrong"] / rows["n"])
    at = ["seed", "victim", "distortion"]
    noise = rows[rows["source"].isna() & (rows["direction"] == NOISE)]
    control = noise.groupby(at, as_index=False)["raw"].mean()
    found = rows[rows["source"].notna() & (rows["source"] != rows["victim"])]
    found = found.merge(control.rename(columns={"raw": "control"}), on=at)
    found = found.assign(noise=found["raw"] - found["control"])
    groups = (
        _by_images(split, trained_on, _nets(found))
        if differences is None
        else _by_properties(differences, _nets(found))
    )
    found = found.merge(groups, on=[name for name in PAIR if name in groups])
    of = found.groupby(["direction", *GROUP, "distortion", "seed"])
    return of.agg(
        raw=("raw", "mean"), noise=("noise", "mean"), pairs=("n", "size"), n=("n", "mean")
    ).reset_index()


PAIR = ["seed", "source", "victim"]


def _nets(found: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys([*found["source"], *found["victim"]]))


def _by_images(
    split: pd.DataFrame, trained_on: Mapping[str, str | None], nets: Sequence[str]
) -> pd.DataFrame:
    """Group pairs, by seed, by the share of training images in common: twice these over all."""
    parts = {net: part for net in nets if (part := trained_on.get(net)) is not None}
    found = []
    for seed, of in split.groupby("seed"):
        its = {part: has(part, of) for part in set(parts.values())}
        for one, other in permutations(parts, 2):
            a, b = its[parts[one]], its[parts[other]]
            share = round(200 * (a & b).sum() / (a.sum() + b.sum()))
            found.append((seed, one, other, -share, f"{share}%", f"{share}% of the images"))
    return pd.DataFrame(found, columns=[*PAIR, *GROUP])


def _by_properties(differences: Differences, nets: Sequence[str]) -> pd.DataFrame:
    """Group pairs by the properties in which the two nets differ."""
    values = {
        net: [next((p for p in of if fnmatchcase(net, p)), None) for of in differences.values()]
        for net in nets
    }
    unlike = {
        (one, other): tuple(
            name
            for name, a, b in zip(differences, values[one], values[other], strict=True)
            if a != b
        )
        for one, other in permutations(nets, 2)
    }
    names = list(differences)
    order = sorted(set(unlike.values()), key=lambda of: (len(of), [names.index(n) for n in of]))
    found = [
        (*pair, order.index(of), ", ".join(of) or "same", _other(of)) for pair, of in unlike.items()
    ]
    return pd.DataFrame(found, columns=[*PAIR[1:], *GROUP])


def _other(names: Sequence[str]) -> str:
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"other {listed}" if names else "no difference"


def _contrasts(found: pd.DataFrame) -> pd.DataFrame:
    """Difference of the most alike pairs' error beyond noise and each other group's, by seed."""
    at = ["direction", "distortion", "seed"]
    first = found[found["place"] == found["place"].min()]
    pair = found.merge(first, on=at, suffixes=("", " of the first"))
    pair = pair[pair["place"] != pair["place of the first"]]
    return pair.assign(
        row=pair["row of the first"] + " less " + pair["row"],
        row_label=pair["row_label of the first"] + " − " + pair["row_label"],
        noise=pair["noise of the first"] - pair["noise"],
    )[found.columns.drop("raw")]


def _cells(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Values of the cells, by seed, for `kit.over_seeds`."""
    for name, label, unit in (
        ("noise", "error − noise error", "points"),
        ("raw", "error", "% error"),
    ):
        if name in rows:
            yield rows.assign(
                value=rows[name], unit=unit, n=rows["n"].round().astype(int),
                column=[f"{name} at {length:g}" for length in rows["distortion"]],
                column_label=[f"{label} at {length:g}" for length in rows["distortion"]],
            )  # fmt: skip
