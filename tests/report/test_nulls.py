"""The rate of false confirmations, where it is known from SciPy."""

import numpy as np
import pytest
from scipy import stats

from blindspots.report.nulls import false_rate, shifted
from blindspots.report.reductions import cells_of
from tests.report.test_reductions import TAIL, rows

DRAWS = 100_000
NOISE = 6 * np.sqrt(TAIL * (1 - TAIL) / DRAWS)


def rate(cells, less=None, reduction="one", sign=1, margin=10.0, truth=None):
    return false_rate(
        cells_of(cells), None if less is None else cells_of(less), reduction, sign=sign,
        margin=margin, truth=margin if truth is None else truth,
        generator=np.random.default_rng(0), draws=DRAWS,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["student", "images", "paired"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_single_cell_with_students_interval_says_holds_in_one_case_in_forty(kind, sign):
    found = rate(rows((37, 35, 39), kind=kind, networks=4, n=50), sign=sign)
    assert abs(found - TAIL) < NOISE


@pytest.mark.parametrize(("n", "margin"), [(1000, 99), (256, 1), (60, 50)])
def test_a_count_says_holds_as_often_as_the_binomial_has_it(n, margin):
    cells = rows((95, 90, 97), kind="wilson", n=n, networks=1, unit="%")
    counts = np.arange(n + 1)
    low = np.array([stats.binomtest(c, n).proportion_ci(0.95, "exact").low for c in counts])
    share = stats.binom(n, margin / 100).pmf(counts[low >= margin / 100]).sum()
    assert share <= TAIL
    assert abs(rate(cells, margin=margin) - share) < NOISE


def test_wilsons_interval_would_say_holds_too_often_near_none():
    n, margin = 256, 0.01
    counts = np.arange(n + 1)
    low = np.array([stats.binomtest(c, n).proportion_ci(0.95, "wilson").low for c in counts])
    assert stats.binom(n, margin).pmf(counts[low >= margin]).sum() > 1.5 * TAIL


@pytest.mark.parametrize("k", [2, 6, 30])
def test_equal_cells_say_holds_by_their_largest_as_seldom_as_the_correction_makes_them(k):
    cells = rows(*[(37, 35, 39)] * k, kind="paired")
    assert abs(rate(cells, reduction="largest") - (1 - (1 - TAIL / k) ** k)) < NOISE
    assert rate(cells, reduction="least") == pytest.approx(TAIL**k, abs=NOISE / 10)
    assert rate(cells, reduction="median") <= TAIL + NOISE


def test_the_cell_at_the_margin_alone_decides_where_the_others_are_far_beyond_it():
    cells = rows((37, 35, 39), (90, 89, 91), (95, 94, 96), kind="paired")
    assert abs(rate(cells, reduction="least") - TAIL) < NOISE


def test_a_difference_is_shifted_as_a_whole_and_independent_arms_make_its_interval_wide():
    cells, less = rows((37, 35, 39), kind="paired"), rows((20, 18, 22), kind="paired")
    found = rate(cells, less)
    expected = stats.norm.sf(np.sqrt(2) * stats.norm.isf(TAIL))  # half widths add up
    assert abs(found - expected) < NOISE
    assert rate(cells, less, truth=0.0) == 0


def test_without_an_interval_there_is_no_rate():
    assert np.isnan(rate(rows((5, 4, 6), (5, np.nan, np.nan)), reduction="mean"))


def test_a_mean_of_rates_is_at_the_margin_though_a_rate_cannot_be_below_none():
    """60% and 6% less 5% each are 28 points in the mean; 20% and 0% are the 5 of the margin."""
    cells = rows((60, 58, 62), (6, 5, 7), kind="student", networks=5, unit="% error")
    less = rows((5, 4, 6), (5, 4, 6), kind="student", networks=5, unit="% error")
    moved = shifted(cells_of(cells), cells_of(less), "mean", 5.0)
    assert moved.value == pytest.approx([20, 0]) and moved.low == pytest.approx([18, -1])
    assert rate(cells, less, "mean", margin=5.0) <= TAIL + NOISE
    assert rate(cells, less, "mean", margin=5.0, truth=0.0) == 0
    assert np.isnan(rate(cells, less, "mean", margin=97.0))
