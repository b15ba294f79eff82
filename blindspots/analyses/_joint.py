"""Figures that join several pairs of source and victim: a mean per victim, and a median."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from blindspots import statistics
from blindspots.analyses.kit import BOUNDS, IMAGE
from blindspots.randomness import derived_seed
from blindspots.statistics import CONFIDENCE, NONE, Interval

DRAWS = 2000
"""Number of draws of images, with replacement."""
AT_ONCE = 100

Pair = tuple[str, str]
"""Source and victim."""


class Joint(NamedTuple):
    """A row that joins several pairs.

    Attributes:
        row: name of the row.
        label: label of the row.
        pairs: places of its pairs.
        figure: function from the pairs' means (…, pairs), and an axis, to the row's figure.
    """

    row: str
    label: str
    pairs: np.ndarray
    figure: Callable[..., np.ndarray]


def joint_rows(
    values: Mapping[int, Mapping[Pair, pd.Series]], labels: Mapping[str, str], unit: str
) -> Iterator[dict[str, Any]]:
    """Yield the rows "victim V", the mean over the sources, and "median over pairs", by seed.

    They are figures of the pairs' mean values. With one seed each has a percentile bootstrap
    interval over the images, which are drawn for all pairs together. It covers other images, for
    these nets: the pairs of a few nets are not independent draws of pairs, so that an interval over
    them, by order statistics for example, would not cover other nets. With several seeds
    `kit.over_seeds` adds Student's interval over seeds, which covers other trainings of the nets.

    Args:
        values: values by seed, pair and image, NaN where there is none.
        labels: display name of each net.
        unit: unit of the values.

    Yields:
        Rows for `kit.over_seeds`; of victims with several sources, and of three pairs or more.
    """
    for seed, of_pairs in values.items():
        frame = pd.DataFrame(dict(enumerate(of_pairs.values()))).dropna(how="all")
        weights = [] if len(values) > 1 else _weights(len(frame))
        joints = [*_joints(list(of_pairs), labels)]
        figures = _figures(frame.to_numpy(float), weights, joints, unit)
        for joint, (value, interval, kind) in figures:
            yield {
                "row": joint.row, "row_label": joint.label, "seed": seed, "unit": unit,
                "n": len(frame), "value": value, **interval._asdict(), "interval": kind,
            }  # fmt: skip


def by_image(values: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Index rows of values by image; an image of several experiments has its mean values.

    Args:
        values: a row per answer.
        images: as many rows with the columns `IMAGE`.
    """
    return values.groupby([images[key] for key in IMAGE]).mean()


def _joints(pairs: list[Pair], labels: Mapping[str, str]) -> Iterator[Joint]:
    victims = np.array([victim for _, victim in pairs])
    for victim in dict.fromkeys(victims):
        places = np.flatnonzero(victims == victim)
        if len(places) > 1:
            label = f"mean over sources → {labels.get(victim, victim)}"
            yield Joint(f"victim {victim}", label, places, np.mean)
    if len(pairs) > 2:
        yield Joint("median over pairs", "median over pairs", np.arange(len(pairs)), np.median)


def _figures(
    values: np.ndarray, weights: Iterable[np.ndarray], joints: list[Joint], unit: str
) -> Iterator[tuple[Joint, tuple[float, Interval, str | None]]]:
    """Yield value, interval and its kind of each row, from (images, pairs) values."""
    n, there = len(values), ~np.isnan(values)
    known = np.where(there, values, 0.0)
    means = _means(np.ones((1, n)), known, there)
    drawn = np.concatenate([means[:0], *(_means(w, known, there) for w in weights)])
    for joint in joints:
        pairs = joint.pairs[there[:, joint.pairs].any(axis=0)]
        value = float(joint.figure(means[0, pairs])) if len(pairs) else np.nan
        if not len(pairs) or not len(drawn):
            yield joint, (value, NONE, None)
            continue
        found, tail = joint.figure(drawn[:, pairs], axis=1), (1 - CONFIDENCE) / 2
        low, high = np.nanquantile(found, [tail, 1 - tail])
        if low < high:
            yield joint, (value, Interval(float(low), float(high)), "bootstrap")
        else:  # equal on all images
            yield joint, (value, statistics.of_images(np.full(n, value), *BOUNDS[unit]), "exact")


def _means(weights: np.ndarray, known: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Mean of each pair (draws, pairs) over the images that it has; NaN without any."""
    with np.errstate(invalid="ignore"):
        return (weights @ known) / (weights @ there)


def _weights(n: int) -> Iterator[np.ndarray]:
    """Yield how often each of n images is drawn, (draws, n)."""
    rng = np.random.default_rng(derived_seed(0, "images of pairs"))
    for _ in range(0, DRAWS if n > 1 else 0, AT_ONCE):
        places = rng.integers(n, size=(AT_ONCE, n)) + n * np.arange(AT_ONCE)[:, None]
        counts = np.bincount(places.ravel(), minlength=AT_ONCE * n)
        yield counts.reshape(AT_ONCE, n).astype(float)
