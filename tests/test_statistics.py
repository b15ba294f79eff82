"""Intervals have their stated coverage in simulations, and agree with known values."""

import itertools

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from blindspots import statistics
from blindspots.statistics import Interval

RUNS = 2000
NOISE = 3.5 * np.sqrt(0.05 * 0.95 / RUNS)  # for a coverage of 95% seen in that number of runs


def coverage(draw, runs):
    """Return the share of simulated runs whose interval contains the truth; `draw` gives both."""
    generator = np.random.default_rng(0)
    held = [low <= truth <= high for (low, high), truth in (draw(generator) for _ in range(runs))]
    return np.mean(held)


def test_wilsons_interval_is_that_of_statsmodels():
    expected = proportion_confint(7, 256, method="wilson")
    assert statistics.wilson(7, 256) == pytest.approx(expected)
    assert np.isnan(statistics.wilson(0, 0).low)


def test_wilsons_interval_of_none_or_all_ends_there():
    for n in range(1, 300):
        assert statistics.wilson(0, n).low == 0
        assert statistics.wilson(n, n).high == 1


@pytest.mark.parametrize("n", [100, 256, 1000])
@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5, 0.9])
def test_wilson_covers_a_rate(n, rate):
    def draw(generator):
        return statistics.wilson(generator.binomial(n, rate), n), rate

    assert coverage(draw, RUNS) == pytest.approx(0.95, abs=NOISE + 0.015)  # discrete


@pytest.mark.parametrize("networks", [2, 3, 5])
def test_student_covers_a_mean_over_few_networks(networks):
    def draw(generator):
        return statistics.student(generator.normal(3, 2, networks)), 3

    assert coverage(draw, RUNS) == pytest.approx(0.95, abs=NOISE)


def test_a_bootstrap_over_three_networks_would_not():
    def draw(generator):
        values = generator.normal(size=3)
        means = generator.choice(values, (400, 3)).mean(axis=1)
        return Interval(*np.quantile(means, [0.025, 0.975])), 0

    assert coverage(draw, 1000) < 0.85


@pytest.mark.parametrize(("both", "one", "other"), [(0.3, 0.1, 0.05), (0.02, 0.2, 0.01)])
def test_the_paired_interval_covers_a_difference_of_rates(both, one, other):
    kinds = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)

    def draw(generator):
        seen = generator.choice(4, 256, p=[both, one, other, 1 - both - one - other])
        return statistics.paired(*kinds[seen].T), one - other

    assert coverage(draw, RUNS) == pytest.approx(0.95, abs=NOISE + 0.015)


def test_the_medians_interval_covers_it_whatever_the_distribution():
    def draw(generator):
        return statistics.median(generator.exponential(size=101)), np.log(2)

    assert 0.95 - NOISE <= coverage(draw, RUNS) <= 0.97
    reached = statistics.median(np.array([*range(20), *[np.inf] * 30]))
    assert reached == (17, np.inf)


def test_mcnemars_test_is_the_binomial_of_the_pairs_that_differ():
    first = np.array([1] * 9 + [0] * 2 + [1] * 30 + [0] * 59, dtype=bool)
    second = np.array([0] * 9 + [1] * 2 + [1] * 30 + [0] * 59, dtype=bool)
    assert statistics.mcnemar_p(first, second) == pytest.approx(stats.binomtest(2, 11).pvalue)


def test_one_network_has_no_interval_over_networks():
    assert np.isnan(statistics.student(np.array([1.0])).low)


@pytest.mark.parametrize("margin", [0.2, 1.0, 3.0])
def test_equivalence_is_the_larger_of_two_one_sided_t_tests(margin):
    values = np.random.default_rng(0).normal(0.3, 1, 12)
    above = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(values, margin, alternative="less").pvalue
    assert statistics.equivalence_p(values, margin) == pytest.approx(max(above, below))
    from statsmodels.stats.weightstats import DescrStatsW

    assert statistics.equivalence_p(values, margin) == pytest.approx(
        DescrStatsW(values).ttost_mean(-margin, margin)[0]
    )


def test_equivalence_of_values_without_spread_is_decided_by_the_margin():
    assert np.isnan(statistics.equivalence_p(np.full(3, 0.5), 1))
    assert np.isnan(statistics.equivalence_p(np.full(3, 1.5), 1))
    assert np.isnan(statistics.equivalence_p(np.array([0.0]), 1))


def test_equivalence_is_found_by_chance_as_rarely_as_its_level_says():
    rng = np.random.default_rng(0)
    found = [statistics.equivalence_p(rng.normal(1, 1, 5), 1) <= 0.05 for _ in range(RUNS)]
    assert np.mean(found) <= 0.05 + NOISE


def test_a_statistic_among_its_draws_has_the_p_value_of_its_place():
    draws = np.arange(-9.0, 10.0)
    assert statistics.randomisation_p(100.0, draws) == 1 / 20
    assert statistics.randomisation_p(-9.0, draws) == 3 / 20
    assert statistics.randomisation_p(0.0, draws) == 1
    assert np.isnan(statistics.randomisation_p(0.0, np.array([])))


@pytest.mark.parametrize("count", [19, 39])
def test_a_statistic_that_is_one_of_the_draws_has_a_small_p_as_seldom_as_it_says(count):
    rng = np.random.default_rng(0)
    p = [statistics.randomisation_p(rng.standard_normal(), rng.standard_normal(count))
         for _ in range(20_000)]  # fmt: skip
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("n", [1, 7, 40])
def test_clopper_pearson_covers_every_rate_exactly(n):
    counts = np.arange(n + 1)
    low, high = statistics.clopper_pearson(counts, np.full(n + 1, n))
    for count in counts:
        expected = proportion_confint(count, n, method="beta")
        assert (low[count], high[count]) == pytest.approx(expected)
    for rate in np.linspace(0, 1, 101):
        held = (low <= rate) & (rate <= high)
        assert stats.binom.pmf(counts, n, rate)[held].sum() >= 0.95 - 1e-12


def test_clopper_pearson_says_nothing_without_trials():
    low, high = statistics.clopper_pearson([0, 3], [0, 3])
    assert np.isnan([low[0], high[0]]).all()
    assert high[1] == 1 and low[1] == pytest.approx(0.025 ** (1 / 3))


def test_clopper_pearson_holds_the_mean_of_unequal_rates():
    """Hoeffding 1956: a sum of unlike trials varies less than a binomial count of their mean."""
    rates = np.array([0.0, 0.0, 0.1, 0.9])
    many = [stats.binom.pmf(np.arange(11), 10, rate) for rate in rates]
    total = many[0]
    for one in many[1:]:
        total = np.convolve(total, one)
    low, high = statistics.clopper_pearson(np.arange(41), np.full(41, 40))
    held = (low <= rates.mean()) & (rates.mean() <= high)
    assert total[held].sum() >= 0.95


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (0.01, 0.02), (0.4, 0.4), (0.9, 1.0)])
@pytest.mark.parametrize("n", [1, 50, 1000])
def test_trials_show_the_rates_that_they_are_said_to(low, high, n):
    first, last = statistics.rates_seen(low, high, n)
    for rate in np.linspace(low, high, 5):
        seen = stats.binom(n, rate)
        within = seen.cdf(round(last * n)) - seen.cdf(round(first * n) - 1)
        assert within >= statistics.CONFIDENCE - 1e-12


@pytest.mark.parametrize(
    ("figure", "half"),
    [(11.7, 0.05), (10, 0.5), ("1.80", 0.005), (1.8, 0.05), (1e-05, 5e-06), ("10", 0.5)],
)
def test_a_printed_figure_is_rounded_to_its_last_digit(figure, half):
    assert statistics.rounding(figure) == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("n", [2, 20, 256, 10_000])
def test_draws_that_are_all_equal_have_clopper_and_pearsons_interval_and_none_of_no_width(n):
    low, high = proportion_confint(0, n, method="beta")
    assert statistics.of_images(np.zeros(n), 0, 1) == pytest.approx((low, high))
    assert statistics.of_images(np.full(n, 100.0), 0, 100) == pytest.approx((100 - 100 * high, 100))
    differences = statistics.of_images(np.zeros(n), -100, 100)
    assert differences == pytest.approx((-100 * high, 100 * high))
    assert statistics.exact(1, n) == pytest.approx((1 - high, 1))


def test_draws_that_differ_have_students_interval_over_images():
    values = np.array([0, 0, 100.0, 50])
    assert statistics.of_images(values, 0, 100) == statistics.student(values)
    assert np.isnan(statistics.of_images(values[:1], 0, 100)).all()


@pytest.mark.parametrize("rest", [0.0005, 0.003, 0.01])
def test_the_interval_of_equal_draws_holds_the_mean_of_what_else_there_may_be(rest):
    """Of draws that are all 0, the interval must hold means that make this likely enough."""
    n = 500
    seen = (1 - rest) ** n  # the chance that all are 0 where a share `rest` is 100
    low, high = statistics.of_images(np.zeros(n), -100, 100)
    assert low <= 100 * rest <= high or seen <= 0.025
    assert low <= -100 * rest <= high or seen <= 0.025


def closed(p, level):
    """Holm's test as a closed test: every set of hypotheses is tested by Bonferroni's."""
    k, rejected = len(p), np.ones(len(p), bool)
    for some in itertools.product([False, True], repeat=k):
        some = np.array(some)
        if some.any() and p[some].min() > level / some.sum():
            rejected &= ~some
    return rejected


@pytest.mark.parametrize("seed", range(20))
def test_holms_p_values_reject_what_the_closed_test_does(seed):
    rng = np.random.default_rng(seed)
    p = rng.choice([*rng.random(4) ** 4, 0.01, 0.01, 0.02, 1], 6)
    adjusted = statistics.holm(p)
    assert adjusted == pytest.approx(multipletests(p, method="holm")[1])
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (adjusted <= level + 1e-12).tolist() == closed(p, level + 1e-12).tolist()


def test_holms_p_values_keep_nan_and_do_not_count_it():
    p = np.array([np.nan, 0.01, 0.04, np.nan, 0.03])
    found = statistics.holm(p)
    assert np.isnan(found).tolist() == [True, False, False, True, False]
    assert found[[1, 2, 4]] == pytest.approx(statistics.holm(p[[1, 2, 4]]))
    assert found[[1, 2, 4]] == pytest.approx([0.03, 0.06, 0.06])
    assert len(statistics.holm(np.array([]))) == 0


@pytest.mark.parametrize("values", [[1.0, 2, 4, 3], [-0.2, 0.1, 0.05]])
def test_students_p_is_that_of_scipy(values):
    assert statistics.student_p(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    for draws in ([0.0, 0.0], [2.0, 2.0], [1.0]):
        assert np.isnan(statistics.student_p(draws))


@pytest.mark.parametrize("means", [(0, 0, 0, 0), (0, 0.3, 5), (0, 9, 9)])
def test_the_interval_of_the_least_mean_covers_it(means):
    def draw(generator):
        samples = [generator.normal(mean, 1, 5) for mean in means]
        return statistics.least_mean(samples), min(means)

    assert coverage(draw, RUNS) >= 0.95 - NOISE


def test_the_interval_of_the_largest_mean_mirrors_that_of_the_least():
    samples = [np.array([1.0, 2, 3]), np.array([2.0, 2.5, 4])]
    low, high = statistics.largest_mean(samples)
    assert (-high, -low) == statistics.least_mean([-of for of in samples])
    assert high == max(statistics.student(of).high for of in samples)
    wider = [stats.t(2, of.mean(), stats.sem(of)).interval(0.975)[0] for of in samples]
    assert low == pytest.approx(max(wider))
    assert np.isnan(statistics.least_mean([])).all()
    assert np.isnan(statistics.least_mean([samples[0], samples[1][:1]])).all()
