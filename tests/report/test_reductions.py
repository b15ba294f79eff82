"""Intervals of reduced cells: against SciPy, and how often they miss what is drawn behind them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from blindspots.report.reductions import Cells, cells_of, corrections, reduced

TAIL = 0.025


def rows(*cells, kind="student", networks=5, n=100, unit="points"):
    """Return rows of a result table from (value, low, high)."""
    value, low, high = np.array(cells, float).T
    return pd.DataFrame(
        {"value": value, "low": low, "high": high, "interval": kind, "networks": networks, "n": n,
         "unit": unit}
    )  # fmt: skip


def student(samples, tail=TAIL):
    """Return value and ends of Student's intervals of samples (n, k), by SciPy."""
    error = stats.sem(samples, axis=0) * stats.t(len(samples) - 1).ppf(1 - tail)
    mean = samples.mean(axis=0)
    return np.stack([mean, mean - error, mean + error], axis=1)


def test_a_students_interval_is_widened_to_that_of_scipy_over_networks_or_images():
    samples = np.random.default_rng(0).standard_normal((5, 3))
    of_seeds, of_images = {"networks": 5}, {"networks": 1, "n": 5}
    for kind, given in (("student", of_seeds), ("extreme", of_seeds), ("images", of_images),
                        ("extreme images", of_images)):  # fmt: skip
        cells = cells_of(rows(*student(samples), kind=kind, **given))
        for tail in (TAIL, TAIL / 3, TAIL / 16):
            expected = student(samples, tail).T[1:]
            assert np.allclose(cells.ends(tail), expected)


def test_a_count_has_the_exact_interval_whichever_its_table_shows():
    for kind, n, networks in (("wilson", 50, 1), ("exact", 50, 3), ("trainings", 9000, 50)):
        cells = cells_of(rows((98, 93, 99.4), kind=kind, unit="%", n=n, networks=networks))
        for tail in (TAIL, TAIL / 7):
            exact = stats.binomtest(49, 50).proportion_ci(1 - 2 * tail, "exact")
            assert np.allclose(np.ravel(cells.ends(tail)) / 100, exact)


def test_of_equal_draws_the_share_of_others_grows_as_that_of_clopper_and_pearson():
    others = stats.binomtest(0, 60).proportion_ci(0.95, "exact").high
    cells = cells_of(rows((0, -100 * others, 100 * others), kind="exact", n=60, networks=1))
    wider = stats.binomtest(0, 60).proportion_ci(1 - 2 * TAIL / 4, "exact").high
    assert np.allclose(np.ravel(cells.ends(TAIL / 4)), [-100 * wider, 100 * wider])


def test_wider_ends_of_rates_stay_between_none_and_all():
    cells = cells_of(rows((99, 98, 100), (1, 0, 2), unit="%"))
    low, high = cells.ends(TAIL / 10)
    assert high[0] == 100 and low[1] == 0
    assert low[0] < 98 and high[1] > 2


@pytest.mark.parametrize(
    ("reduction", "k", "allowed"),
    [("one", 1, (1, 1)), ("mean", 9, (1, 1)), ("least", 9, (1, 9)), ("largest", 9, (9, 1)),
     ("median", 9, (5, 5)), ("median", 8, (5, 5)), ("median", 1, (1, 1)), ("least", 1, (1, 1))],
)  # fmt: skip
def test_an_end_allows_for_as_many_cells_as_could_be_the_one(reduction, k, allowed):
    assert corrections(reduction, k) == allowed


def normal(values):
    """Cells (draws, k) with the 95% interval of normal figures of standard error 1."""
    half, none = stats.norm.ppf(1 - TAIL), np.full(values.shape[-1], np.nan)
    return Cells(
        values, values - half, values + half, np.full(values.shape[-1], np.inf), none, none,
        (-np.inf, np.inf),
    )  # fmt: skip


DRAWS = 100_000
NOISE = 6 * np.sqrt(TAIL * (1 - TAIL) / DRAWS)
"""Six standard errors of a share of 2.5% of the draws; the draws are the same on any machine."""


@pytest.mark.parametrize("k", [1, 2, 5, 8, 30])
@pytest.mark.parametrize("reduction", ["least", "median", "largest", "mean"])
def test_either_end_misses_in_at_most_one_case_in_forty_whatever_the_cells_share(reduction, k):
    generator = np.random.default_rng(k)
    truths = {"equal": np.zeros(k), "spread": np.linspace(-9, 9, k),
              "two groups": np.where(np.arange(k) < k // 2, -9.0, 0.0),
              "two groups, mirrored": np.where(np.arange(k) < k // 2, 9.0, 0.0)}  # fmt: skip
    alone = generator.standard_normal((DRAWS, k))
    shared = np.repeat(generator.standard_normal((DRAWS, 1)), k, axis=1)
    for true in truths.values():
        figure = getattr(np, {"least": "min", "largest": "max"}.get(reduction, reduction))(true)
        for error in (alone, shared, np.where(np.arange(k) % 2, 1, -1) * shared):
            found = reduced(normal(true + error), None, reduction)
            assert (found.low > figure).mean() <= TAIL + NOISE
            assert (found.high < figure).mean() <= TAIL + NOISE


@pytest.mark.parametrize("k", [2, 5, 30])
def test_ends_without_the_correction_would_miss_as_often_as_any_of_the_cells_does(k):
    cells = normal(np.random.default_rng(1).standard_normal((DRAWS, k)))
    for reduction, missed in (("largest", lambda found: found.low > 0),
                              ("least", lambda found: found.high < 0)):  # fmt: skip
        naive = {"largest": cells.low.max(axis=1) > 0, "least": cells.high.min(axis=1) < 0}
        assert abs(naive[reduction].mean() - (1 - (1 - TAIL) ** k)) < 6 * np.sqrt(0.25 / DRAWS)
        now = missed(reduced(cells, None, reduction)).mean()
        assert abs(now - (1 - (1 - TAIL / k) ** k)) < NOISE


def test_a_cell_is_subtracted_from_each_with_the_widest_interval_there_may_be():
    samples = np.random.default_rng(2).standard_normal((6, 4))
    cells, less = (cells_of(rows(*student(part), networks=6)) for part in np.split(samples, [3], 1))
    found = reduced(cells, less, "least")
    each, other = student(samples[:, :3], TAIL / 3), student(samples[:, 3:], TAIL / 3)
    assert found.value == pytest.approx((each[:, 0] - other[0, 0]).min())
    assert found.high == pytest.approx((each[:, 2] - other[0, 1]).min())
    each, other = student(samples[:, :3]), student(samples[:, 3:])
    assert found.low == pytest.approx((each[:, 1] - other[0, 2]).min())


def test_the_mean_of_several_is_subtracted_from_a_mean():
    cells, less = (rows((4, 3, 5), (6, 5, 7)), rows((1, 0, 2), (1, 0.5, 2), (4, 3, 5)))
    found = reduced(cells_of(cells), cells_of(less), "mean")
    assert found == pytest.approx((5 - 2, 4 - 3, 6 - 3.5 / 3))


def test_a_mean_of_networks_seen_together_misses_as_often_as_its_own_interval_at_most():
    generator = np.random.default_rng(3)
    for share in (0, 0.5, 1):
        drawn = generator.standard_normal((20_000, 5, 4))
        common = generator.standard_normal((20_000, 5, 1))
        samples = np.sqrt(1 - share) * drawn + np.sqrt(share) * common
        mean, error = samples.mean(axis=1), stats.sem(samples, axis=1)
        half = stats.t(4).ppf(1 - TAIL) * error
        none = np.full(4, np.nan)
        cells = Cells(mean, mean - half, mean + half, np.full(4, 4.0), none, none, (-9e9, 9e9))
        missed = (reduced(cells, None, "mean").low > 0).mean()
        assert missed <= TAIL + 6 * np.sqrt(TAIL * (1 - TAIL) / 20_000)
