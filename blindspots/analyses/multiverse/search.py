"""Price of a search among readings: how often it finds a true one, and what a lead is worth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from blindspots.analyses.multiverse.scores import Scores, best

DRAWS = 200
"""Simulated sets of printed tables for each reading that is taken as true."""

TRUTHS = 5
"""Number of readings that are taken as true: those of the best scores."""


class Price(NamedTuple):
    """Outcome of searches among readings in tables that a reading printed.

    Attributes:
        truth: number of that reading.
        returned: share of searches in which no other reading scored more.
        lead: median of the winner's score less that of the true reading in the other searches; NaN
            if there is none.
    """

    truth: int
    returned: float
    lead: float


def prices(scores: Scores, seed: int = 0) -> list[Price]:
    """Simulate the printed tables under the best readings, and search each for its reading.

    Every figure is drawn from the distribution that gives the reading its score, with the printed
    digits. Cells are drawn independently, as they are scored. In each simulation the cells whose
    drawn figure fits under every reading are left out of the score, as they are in the paper's.

    Args:
        scores: scores of the readings in the paper's tables.
        seed: seed of the draws.
    """
    truths = np.argsort(-scores.total, kind="stable")[:TRUTHS]
    rng = np.random.default_rng(seed)
    totals = np.zeros((len(scores.readings), len(truths), DRAWS))
    for prints in scores.prints:
        chances = {id(of): of.probabilities(scores.truncated, scores.outliers) for of in prints}
        by_reading = np.array([chances[id(of)] for of in prints])
        with np.errstate(divide="ignore"):  # figures that no count is printed as
            logs = np.log(by_reading)
        inside = {id(of): of.inside(scores.truncated) for of in prints}
        logs[:, np.all([inside[id(of)] for of in prints], axis=0)] = 0  # such figures tell nothing
        for t, truth in enumerate(truths):
            cumulated = np.cumsum(by_reading[truth])
            drawn = np.searchsorted(cumulated, rng.random(DRAWS) * cumulated[-1], side="right")
            totals[:, t] += logs[:, np.minimum(drawn, len(cumulated) - 1)]
    found = []
    for t, truth in enumerate(truths):
        lead = totals[:, t].max(axis=0) - totals[truth, t]
        lost = lead[lead > 1e-9]
        median = float(np.median(lost)) if len(lost) else np.nan
        found.append(Price(int(truth), 1 - len(lost) / DRAWS, median))
    return found


class Elsewhere(NamedTuple):
    """Score in some printed tables of the reading that the others choose, by discriminating cells.

    Attributes:
        chosen: number of the reading that scores most in the tables that choose.
        rank: its rank in the tables that judge: 1 for the best.
        behind: its score there less the best one's.
    """

    chosen: int
    rank: int
    behind: float


def elsewhere(scores: Scores, choosing: Collection[str], judging: Collection[str]) -> Elsewhere:
    """Choose a reading by some printed tables, and judge it by others."""
    by, there = (
        scores.scores[:, scores.within(tables) & scores.discriminating].sum(axis=1)
        for tables in (choosing, judging)
    )
    chosen = int(np.flatnonzero(best(by))[0])
    better = int((there > there[chosen] + 1e-9).sum())
    return Elsewhere(chosen, 1 + better, float(there[chosen] - there.max()))


def halves(shows: Sequence[str], errors_of: dict[str, str]) -> list[tuple[list[str], list[str]]]:
    """Return pairs of disjoint sets of printed tables: one experiment's, and all others.

    Args:
        shows: printed tables of transfer.
        errors_of: printed table of errors of the same nets, by these.
    """
    sets = [sorted({table, errors_of.get(table, table)}) for table in shows]
    pairs = [(of, sorted({t for other in sets if other is not of for t in other})) for of in sets]
    return [(of, others) for of, others in pairs if others]
