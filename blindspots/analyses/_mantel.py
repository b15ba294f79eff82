"""Test of a rank correlation over pairs of nets that permutes the nets, not the pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, permutations, product

import numpy as np
import pandas as pd

from blindspots.analyses._pairs import PAIR
from blindspots.randomness import derived_seed

MOST = 8
"""Largest number of nets of which all permutations are tried, at most 40 320."""
DRAWS = 9999
"""Number of random permutations of more nets; with the identity, 10 000."""
AT_ONCE = 1000


def mantel_p(pairs: pd.DataFrame, first: str, second: str) -> float:
    """Two-sided p value of Spearman's correlation of two columns over pairs of nets.

    Mantel 1967, "The detection of disease clustering and a generalized regression approach": under
    the hypothesis that a net's place in one matrix (source × victim) says nothing about its place
    in the other, rows and columns of one can be permuted together. The p value is the share of
    these permutations, the identity included, whose correlation is at least as far from 0. With
    several seeds, the matrices of all are permuted alike. Nets that are only sources, or only
    victims, change places among themselves.

    Args:
        pairs: a row per source, other victim and seed.
        first: name of a column without nulls.
        second: name of another.

    Returns:
        The p value, over all permutations of up to `MOST` nets, otherwise of `DRAWS` seeded random
        ones; NaN if a pair is missing, as a permutation needs all.
    """
    sources, victims = (list(dict.fromkeys(pairs[key])) for key in ("source", "victim"))
    both = [net for net in sources if net in victims]
    groups = [
        both,
        [net for net in sources if net not in both],
        [net for net in victims if net not in both],
    ]
    expected = pairs["seed"].nunique() * (len(sources) * len(victims) - len(both))
    if len(pairs) != expected or pairs.duplicated(PAIR).any():
        return np.nan
    place = {net: number for number, net in enumerate(chain(*groups))}
    source, victim = (pairs[key].map(place).to_numpy() for key in ("source", "victim"))
    seed = pd.factorize(pairs["seed"])[0]
    # Sums of products of ranks, which are multiples of ¼, are exact, and so are ties among them.
    ranks = pairs[first].rank().to_numpy()
    matrix = np.zeros((seed.max() + 1, len(place), len(place)))
    matrix[seed, source, victim] = pairs[second].rank().to_numpy()
    middle = len(pairs) * ((len(pairs) + 1) / 2) ** 2
    found, n = abs(ranks @ matrix[seed, source, victim] - middle), 0
    as_far = 0
    for some in _permutations([len(group) for group in groups]):
        moved = matrix[seed, some[:, source], some[:, victim]]
        as_far += int((abs(moved @ ranks - middle) >= found).sum())
        n += len(some)
    return as_far / n


def _permutations(sizes: list[int]) -> Iterator[np.ndarray]:
    """Yield arrays (some, nets) of permutations that keep each group of nets together."""
    firsts = np.cumsum([0, *sizes])
    if sum(sizes) <= MOST:
        of_groups = (
            permutations(range(first, first + size))
            for first, size in zip(firsts, sizes, strict=False)
        )
        every = np.array([[*chain(*each)] for each in product(*of_groups)])
        yield from (every[at : at + AT_ONCE] for at in range(0, len(every), AT_ONCE))
        return
    rng = np.random.default_rng(derived_seed(0, "permutations of nets"))
    yield np.arange(sum(sizes))[None]
    for at in range(0, DRAWS, AT_ONCE):
        draws = min(AT_ONCE, DRAWS - at)
        drawn = [
            first + rng.permuted(np.tile(np.arange(size), (draws, 1)), axis=1)
            for first, size in zip(firsts, sizes, strict=False)
        ]
        yield np.concatenate(drawn, axis=1)
