"""Chances of printed figures: against sums written out, closed forms, and simulations."""

import numpy as np
import pytest
from scipy import stats

from blindspots import predictive
from blindspots.predictive import Rates


def fixed(rate):
    return Rates(np.array([rate]), np.array([1.0]))


@pytest.mark.parametrize(
    ("figure", "n", "counts"),
    [
        ("6.25", 256, (16, 16)), ("2", 256, (4, 7)), ("11.7", 256, (30, 30)),
        ("100", 256, (255, 256)), ("0", 256, (0, 2)), ("0", 60000, (0, 599)),
        ("7.4", 10000, (735, 749)), ("11.71", 256, (30, 30)),  # no count has 11.71
    ],
)  # fmt: skip
def test_counts_are_those_whose_percentage_is_rounded_or_cut_off_to_the_figure(figure, n, counts):
    assert predictive.counts_printed(figure, n) == counts
    digits = len(figure.partition(".")[2])
    percent = 100 * np.arange(n + 1) / n
    step = 10.0**-digits
    rounded = np.abs(percent - float(figure)) <= step / 2 + 1e-9
    cut = (percent >= float(figure) - 1e-9) & (percent < float(figure) + step - 1e-9)
    found = np.flatnonzero(rounded | cut)
    assert not len(found) or set(found) <= set(range(counts[0], counts[1] + 1))


def test_the_chance_of_a_percentage_is_the_sum_of_its_counts():
    rates = Rates(np.array([0.05, 0.1]), np.array([0.25, 0.75]))
    low, high = predictive.counts_printed("7.8", 256)
    by_hand = sum(
        weight * stats.binom.pmf(range(low, high + 1), 256, rate).sum()
        for rate, weight in zip(*rates, strict=True)
    )
    assert predictive.of_rate("7.8", 256, rates).probability == pytest.approx(by_hand, rel=1e-10)


def test_all_figures_of_one_place_cover_every_count():
    rates = predictive.other_net([20], [256], spread=0.3)
    of_units = sum(predictive.of_rate(f, 100, rates).probability for f in range(101))
    assert of_units == pytest.approx(1, abs=1e-9)  # of 100 images each percentage is one count


def test_another_run_of_one_net_is_beta_binomial():
    rates = predictive.other_net([30], [256])
    mean = 256 * rates.weight @ rates.rate
    assert mean == pytest.approx(stats.betabinom.mean(256, 30.5, 226.5), rel=1e-4)
    for figure in ("8.2", "11.7", "16"):
        low, high = predictive.counts_printed(figure, 256)
        exact = stats.betabinom.pmf(range(low, high + 1), 256, 30.5, 226.5).sum()
        assert predictive.of_rate(figure, 256, rates).probability == pytest.approx(exact, rel=0.02)


def test_a_figure_is_inside_where_it_meets_the_central_interval():
    rates = fixed(0.1)
    low, high = stats.binom.ppf([0.025, 0.975], 1000, 0.1)
    for count in range(60, 150):
        inside = predictive.of_rate(f"{count / 10:.1f}", 1000, rates).inside
        assert inside == (low <= count <= high)


def test_the_spread_between_nets_is_found_again():
    rng = np.random.default_rng(0)
    rate = 1 / (1 + np.exp(-(np.log(0.1 / 0.9) + 0.4 * rng.standard_normal((4000, 5)))))
    counts = rng.binomial(5000, rate)
    found = predictive.between_nets(counts, np.full(counts.shape, 5000))
    assert found == pytest.approx(0.4, rel=0.03)  # 5 sigma of 16 000 draws
    alike = rng.binomial(5000, 0.1, (4000, 5))
    assert predictive.between_nets(alike, np.full(alike.shape, 5000)) < 0.02


def test_figures_of_other_nets_are_inside_as_often_as_they_should():
    rng, n, inside = np.random.default_rng(1), 256, 0
    for _ in range(2000):
        mean = rng.uniform(-3, 0)
        ours, theirs = 1 / (1 + np.exp(-(mean + 0.3 * rng.standard_normal((2, 5)))))
        counts = rng.binomial(1000, ours)
        rates = predictive.other_net(counts, [1000] * 5, spread=0.3)
        figure = f"{100 * rng.binomial(n, theirs[0]) / n:.1f}"
        inside += predictive.of_rate(figure, n, rates).inside
    low = stats.binom.ppf(1e-6, 2000, 0.95) / 2000
    assert low <= inside / 2000 <= 0.985  # the ends of a discrete interval hold a little more


def test_a_mean_has_the_mass_of_its_rounding_interval():
    found = predictive.of_mean("0.062", 0.06, 0.002, 200)
    by_hand = np.diff(stats.t.cdf([(0.0615 - 0.06) / 0.002, (0.0625 - 0.06) / 0.002], 200))
    assert found.probability == pytest.approx(by_hand[0], rel=1e-10)
    assert found.inside
    assert not predictive.of_mean("0.08", 0.06, 0.002, 200).inside


def test_outliers_bound_the_loss_by_a_figure_that_nothing_explains():
    rates = fixed(0.001)
    assert predictive.of_rate("50", 256, rates).probability < 1e-100
    assert predictive.of_rate("50", 256, rates, 0.01).probability == pytest.approx(0.01 / 101)
    assert predictive.of_mean("0.5", 0.1, 0.001, 9, 0.01).probability == pytest.approx(0.001)
