"""Scores of readings: how probable each makes every printed figure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from blindspots import predictive
from blindspots.analyses.attacked import Average
from blindspots.analyses.kit import Figures
from blindspots.analyses.multiverse.cells import Cell, Key, Lengths, Shares
from blindspots.config.naming import matches
from blindspots.interface import InputError
from blindspots.predictive import Prints
from blindspots.statistics import FEWEST


class Reading(NamedTuple):
    """Reading of the paper.

    Attributes:
        label: its name in the tables.
        under: label of the experiments under it.
        average: average of its distortions.
    """

    label: str
    under: str
    average: Average


class Scores(NamedTuple):
    """Scores of r readings, the run's own first, in c cells.

    Attributes:
        readings: the readings.
        keys: the cells.
        figures: (c,) printed figures.
        values: (r, c) ours; NaN: the attack failed on more than half.
        units: units of the cells.
        prints: distributions of the printed figure, by cell and reading.
        truncated: share of figures that are truncated instead of rounded.
        outliers: share of cells that may be anything.
        inside: (r, c) whether the figure lies in the central 95% of the distribution.
        scores: (r, c) logarithm of its probability.
    """

    readings: list[Reading]
    keys: list[Key]
    figures: np.ndarray
    values: np.ndarray
    units: list[str]
    prints: list[list[Prints]]
    truncated: float
    outliers: float
    inside: np.ndarray
    scores: np.ndarray

    @property
    def labels(self) -> list[str]:
        """Names of the readings."""
        return [reading.label for reading in self.readings]

    @property
    def total(self) -> np.ndarray:
        """Scores (r,) over the discriminating cells, by which readings are ranked."""
        return self.scores[:, self.discriminating].sum(axis=1)

    @property
    def undecided(self) -> np.ndarray:
        """Indicator (c,) of cells inside under every reading, which tell none from another."""
        return np.asarray(self.inside.all(axis=0))

    @property
    def discriminating(self) -> np.ndarray:
        """Indicator (c,) of the other cells, which some reading does not explain."""
        return np.asarray(~self.undecided)

    @property
    def unexplained(self) -> np.ndarray:
        """Indicator (c,) of cells inside under no reading."""
        return np.asarray(~self.inside.any(axis=0))

    def within(self, tables: Collection[str]) -> np.ndarray:
        """Indicator (c,) of the cells of some printed tables."""
        return np.array([table in tables for table, _, _ in self.keys], dtype=bool)


class Numbers(NamedTuple):
    """Numbers by row of a printed table: for names or patterns of ROW, or of TABLE/ROW.

    Attributes:
        given: the numbers; the longest of several matching names counts.
    """

    given: Mapping[str, float]

    def of(self, table: str, row: str) -> float | None:
        """Return the number of a row; None: none was given."""
        found = [
            name for name in self.given if matches(row, name) or matches(f"{table}/{row}", name)
        ]
        return self.given[max(found, key=len)] if found else None


def scored(
    readings: list[Reading],
    cells: Mapping[str, Mapping[Key, Cell]],
    printed: Mapping[str, Figures],
    *,
    images: Numbers,
    spreads: tuple[Numbers, Numbers],
    truncated: float,
    outliers: float,
) -> Scores:
    """Score readings in every printed cell that all of them have.

    Args:
        readings: the readings.
        cells: our cells, by `Reading.under`.
        printed: figures of the paper's tables, by table, row and column.
        images: numbers of attacked images behind the printed rows.
        spreads: spread between nets by row: of errors, on the logit scale, and of lengths, as a
            share; for other rows it is estimated by printed table over their cells, from nets of
            `statistics.FEWEST` seeds or more, and 0 without.
        truncated: share of figures that are truncated instead of rounded.
        outliers: share of cells that may be anything.

    Raises:
        InputError: a row without a number of images.
    """
    shared = set.intersection(*(set(cells[reading.under]) for reading in readings))
    keys = [
        (table, row, column)
        for table, rows in sorted(printed.items())
        for row, columns in rows.items()
        for column in columns
        if (table, row, column) in shared
    ]
    figures = [printed[table][row][column] for table, row, column in keys]
    spread = _spreads(readings, cells, keys, spreads)
    predicted = _predictor()
    prints = [
        [
            predicted(
                cells[reading.under][key], reading.average, _number(images, key),
                spread(key, reading.average, cells[reading.under][key]),
                predictive.decimals_of(figure),
            )
            for reading in readings
        ]
        for key, figure in zip(keys, figures, strict=True)
    ]  # fmt: skip
    shape = len(readings), len(keys)
    inside, scores, values = np.zeros(shape, bool), np.zeros(shape), np.zeros(shape)
    for c, (key, figure) in enumerate(zip(keys, figures, strict=True)):
        for r, reading in enumerate(readings):
            of = prints[c][r]
            place = of.place(figure, truncated)
            inside[r, c] = of.is_inside(figure, truncated)
            scores[r, c] = np.log(of.probabilities(truncated, outliers)[place])
            values[r, c] = cells[reading.under][key].value(reading.average)
    units = [cells[readings[0].under][key].unit for key in keys]
    return Scores(
        readings, keys, np.array(figures, float), values, units, prints, truncated, outliers,
        inside, scores,
    )  # fmt: skip


def _number(images: Numbers, key: Key) -> int:
    found = images.of(*key[:2])
    if found is None:
        raise InputError(
            f"images: expected a number for every printed row, found none for {key[0]}/{key[1]}; "
            'add one for "*", all others'
        )
    return int(found)


def _predictor() -> Callable[[Cell, Average, int, float, int], Prints]:
    """Return a function from a cell to its distribution of figures, which computes each once."""

    @cache
    def of_shares(of: Shares, n: int, spread: float, decimals: int) -> Prints:
        if of.images != "attacked":
            n = of.shown[0]
        if of.images == "same":
            at_most = predictive.count_on_same_images(of.wrong, of.shown, spread)
        else:
            at_most = predictive.count_among(n, of.wrong, of.shown, spread)
        return predictive.of_counts(at_most, n, decimals)

    def predicted(of: Cell, how: Average, n: int, spread: float, decimals: int) -> Prints:
        if isinstance(of, Shares):
            return of_shares(of, n, spread, decimals)
        return predictive.of_length(
            *predictive.length_among(n, of.by_seed, how, spread), decimals=decimals
        )

    return predicted


def _spreads(
    readings: Sequence[Reading],
    cells: Mapping[str, Mapping[Key, Cell]],
    keys: Sequence[Key],
    given: tuple[Numbers, Numbers],
) -> Callable[[Key, Average, Cell], float]:
    """Return a function with the spread between the nets of a cell: given, estimated, or 0."""

    def stated(key: Key, of: Cell) -> float | None:
        return given[isinstance(of, Lengths)].of(*key[:2])

    @cache
    def estimated(table: str, how: Average, lengths: bool) -> float:
        there = {reading.under for reading in readings}
        of = [
            (key, cells[under][key]) for under in sorted(there) for key in keys if key[0] == table
        ]
        free = [
            each.by_net(how)
            for key, each in of
            if isinstance(each, Lengths) == lengths and stated(key, each) is None
        ]
        return predictive.between_nets(each for each in free if len(each[0]) >= FEWEST)

    def spread(key: Key, how: Average, of: Cell) -> float:
        found = stated(key, of)
        return estimated(key[0], how, isinstance(of, Lengths)) if found is None else found

    return spread


def best(scores: np.ndarray) -> np.ndarray:
    """Indicator (r,) of the largest of some scores, and of those that equal it but for rounding."""
    return scores >= scores.max() - 1e-9 if len(scores) else np.zeros(0, bool)


def answers_in(label: str) -> Iterator[tuple[str, str]]:
    """Iterate over the questions and answers in the label of a reading that has no name."""
    for part in label.split(", "):
        question, said, answer = part.partition(": ")
        if said:
            yield question, answer
