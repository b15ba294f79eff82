"""Probabilities of printed figures, against closed forms, sums and simulated prints."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from blindspots import predictive
from blindspots.statistics import clopper_pearson


@pytest.mark.parametrize(
    ("wrong", "shown", "n"),
    [(0, 256, 256), (256, 256, 256), (30, 256, 256), (1, 256, 1000), (4000, 60000, 60000),
     (164, 10000, 10000), (5, 1000, 60000), (9000, 60000, 256)],
)  # fmt: skip
def test_without_spread_a_count_is_beta_binomial(wrong, shown, n):
    k = np.arange(-1, n + 1)
    below = predictive.count_among(n, [wrong], [shown], 0)(k)
    closed = np.cumsum(stats.betabinom(n, wrong + 0.5, shown - wrong + 0.5).pmf(k))
    np.testing.assert_allclose(below, closed, atol=1e-8)


def test_nets_without_spread_count_as_one():
    k = np.arange(257)
    several = predictive.count_among(256, [10, 12, 20], [256] * 3, 0)(k)
    np.testing.assert_allclose(several, predictive.count_among(256, [42], [768], 0)(k), atol=1e-12)


@pytest.mark.parametrize(("wrong", "shown"), [([40], [256]), ([40, 52, 31], [256] * 3)])
def test_a_count_of_another_net_varies_by_the_spread(wrong, shown):
    spread, n, k = 0.4, 256, np.arange(0, 257, 8)
    found = predictive.count_among(n, wrong, shown, spread)(k)
    # by brute force: the posterior on a fine grid of rates, times a fine grid of normal shifts
    rates = (np.arange(1000) + 0.5) / 1000
    posterior = stats.beta(sum(wrong) + 0.5, sum(shown) - sum(wrong) + 0.5).pdf(rates)
    shifts = np.linspace(-6, 6, 61)
    normal = stats.norm.pdf(shifts)
    deviation = spread * np.sqrt(1 + 1 / len(wrong))
    expected = np.zeros(len(k))
    for shift, weight in zip(shifts, normal / normal.sum(), strict=True):
        shifted = 1 / (1 + np.exp(-(np.log(rates / (1 - rates)) + deviation * shift)))
        kept = posterior > posterior.max() * 1e-9
        of = stats.binom(n, shifted[kept, None]).cdf(k)
        expected += weight * (posterior[kept] / posterior[kept].sum()) @ of
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("wrong", "shown", "n"), [(0, 256, 256), (400, 10_000, 60_000)])
def test_a_spread_that_vanishes_is_none(wrong, shown, n):
    k = np.arange(0, n + 1, 16)
    none, tiny = (predictive.count_among(n, [wrong], [shown], s)(k) for s in (0, 1e-9))
    np.testing.assert_allclose(tiny, none, atol=1e-8)


def test_with_a_vast_run_and_no_images_to_draw_only_the_spread_is_left():
    k = np.arange(500, 50_000, 500)
    found = predictive.count_among(50_000, [10**8], [10**9], 0.2)(k)
    logits = (np.log(k / (50_000 - k)) - np.log(1 / 9)) / (0.2 * np.sqrt(2))
    np.testing.assert_allclose(found, stats.norm.cdf(logits), atol=2e-3)


def test_on_the_same_images_only_nets_vary():
    n, spread = 10_000, 0.05
    k = np.arange(n + 1)
    found = predictive.count_on_same_images([944], [n], spread)(k)
    lower, upper = (np.log(p / (1 - p)) for p in (900.5 / 10_001, 990.5 / 10_001))
    centre = np.log(944.5 / (n + 1 - 944.5))
    expected = stats.norm(centre, spread * np.sqrt(2)).cdf([lower, upper])
    np.testing.assert_allclose(np.diff(found[[900, 990]]), np.diff(expected), atol=2e-3)
    certain = predictive.count_on_same_images([944], [n], 0)(k)
    assert (certain[943], certain[944]) == (0, 1)
    for edge in (0, n):
        none_or_all = predictive.count_on_same_images([edge], [n], 0)(k)
        assert np.diff(none_or_all, prepend=0)[edge] == pytest.approx(1)


def printed_by_hand(value, decimals, truncated):
    """Return the figure that a value is printed as, in units of its last digit: half is up."""
    scaled = Fraction(value) * 10**decimals
    return int(scaled) if truncated else int(scaled + Fraction(1, 2))


@pytest.mark.parametrize("decimals", [0, 1, 2])
@pytest.mark.parametrize("truncated", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("n", [3, 256, 1000])
def test_every_count_is_printed_once_rounded_and_once_truncated(decimals, truncated, n):
    mass = stats.binom(n, 0.2).pmf(np.arange(n + 1))
    found = predictive.of_counts(stats.binom(n, 0.2).cdf, n, decimals)
    expected, flat = np.zeros((2, 100 * 10**decimals + 1))
    for count, chance in enumerate(mass):
        for cut, share in ((False, 1 - truncated), (True, truncated)):
            place = printed_by_hand(Fraction(100 * count, n), decimals, cut)
            expected[place] += share * chance
            flat[place] += share / (n + 1)
    np.testing.assert_allclose(found.probabilities(truncated), expected, atol=1e-12)
    mixed = found.probabilities(truncated, outliers=0.1)
    np.testing.assert_allclose(mixed, 0.9 * expected + 0.1 * flat, atol=1e-12)
    assert mixed.sum() == pytest.approx(1)


@pytest.mark.parametrize(("value", "error"), [(0.062, 0.003), (0.0004, 0.002), (0.999, 0.01)])
def test_every_length_is_printed_as_some_figure(value, error):
    found = predictive.of_length(value, error, 255, 3)
    mass = found.probabilities(0.2, 0.01)
    assert mass.sum() == pytest.approx(1)
    assert mass.min() >= 0
    exact = predictive.of_length(value, 0, 255, 3).probabilities(0)
    assert exact[printed_by_hand(Fraction(str(value)), 3, False)] == 1


def test_a_length_has_students_distribution_in_the_rounding_interval():
    found = predictive.of_length(0.1, 0.02, 9, 2)
    t = stats.t(9, 0.1, 0.02)
    rounded, cut = t.cdf(0.125) - t.cdf(0.115), t.cdf(0.13) - t.cdf(0.12)
    assert found.probabilities(0.3)[12] == pytest.approx(0.7 * rounded + 0.3 * cut)


def test_a_figure_that_no_count_is_printed_as_is_the_nearest_that_one_is():
    found = predictive.of_counts(predictive.count_among(256, [120], [256], 0), 256, 1)
    assert found.place(48.0, 0.2) == 480  # 123 of 256, 48.05%
    assert found.place(48.1, 0.2) == 480
    assert found.place(5.0, 0.2) == 50  # 13 of 256, 5.08%, truncated
    assert found.place(5.0, 0) == 51


def test_a_figure_is_inside_if_a_value_printed_so_is():
    found = predictive.of_counts(stats.binom(256, 0.1).cdf, 256, 1)
    low, high = stats.binom(256, 0.1).interval(0.95)
    for count in range(257):
        figure = printed_by_hand(Fraction(100 * count, 256), 1, False) / 10
        assert found.is_inside(figure, 0) == (low <= count <= high)
    lengths = predictive.of_length(0.1, 0.01, 1e9, 2)
    ends = stats.norm(0.1, 0.01).interval(0.95)
    for place in range(30):
        reaches = (place - 0.5) / 100 <= ends[1] and (place + 1) / 100 >= ends[0]
        assert lengths.is_inside(place / 100, 0.2) == reaches


def test_an_average_that_is_missing_gives_no_figure_a_chance():
    assert np.isnan(predictive.length_among(256, (), "mean", 0)[0])
    none = predictive.of_length(*predictive.length_among(256, (), "mean", 0), 3)
    assert none.probabilities(0.2).sum() == 0
    assert not none.is_inside(0.1, 0.2)
    assert none.probabilities(0.2, 0.01)[100] == pytest.approx(0.01 / 1000)


@pytest.mark.parametrize(
    ("how", "average", "moment"),
    [("mean", np.mean, lambda x: x), ("pooled", lambda x: np.sqrt(np.mean(x**2)), np.square)],
)
def test_an_average_has_the_variance_of_its_moment(how, average, moment):
    values = stats.gamma(4, scale=0.02).ppf((np.arange(200) + 0.5) / 200)
    found, variance = predictive.average(values, how)
    assert found == pytest.approx(average(values))
    slope = 1 if how == "mean" else 1 / (2 * found)  # of the root, at the mean square
    assert variance == pytest.approx(slope**2 * moment(values).var(ddof=1))
    value, error, freedom = predictive.length_among(64, [values[:99], values[99:]], how, 0.1)
    expected = variance * (1 / 200 + 1 / 64) + (0.1 * found) ** 2 * 1.5
    assert (value, error**2, freedom) == pytest.approx((found, expected, 199))


def test_the_spread_between_nets_is_their_variance_beyond_that_by_images():
    values = np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
    known = [(row, np.full(3, 0.25)) for row in values]
    # equal weights: (2 + 0) / 4 of pooled variance, less 0.25
    assert predictive.between_nets(known) == pytest.approx(np.sqrt(0.25))
    assert predictive.between_nets([(values[0], np.zeros(3))]) == pytest.approx(1)
    assert predictive.between_nets(known[1:]) == 0
    assert predictive.between_nets([]) == 0


def test_over_rates_of_the_prior_the_share_of_prints_inside_is_exact():
    n, truncated = 40, 0.2
    k = np.arange(n + 1)
    seen = stats.betabinom(n, 0.5, 0.5).pmf(k)  # over rates of Jeffreys' prior
    marginal, inside = np.zeros(1001), 0.0
    for count in k:
        of = predictive.of_counts(predictive.count_among(n, [count], [n], 0), n, 1)
        mass = of.probabilities(truncated)
        marginal += seen[count] * mass
        there = [of.is_inside(place / 10, truncated) for place in np.flatnonzero(mass)]
        inside += seen[count] * mass[mass > 0] @ there
    cumulated = np.concatenate([[0], np.cumsum(seen)])
    prior = predictive.of_counts(lambda c: cumulated[c + 1], n, 1).probabilities(truncated)
    np.testing.assert_allclose(marginal, prior, atol=1e-9)
    assert 0.95 <= inside < 0.99  # counts are whole, and figures cut


def test_simulated_prints_come_as_often_as_predicted():
    """Rates of the prior, nets and images are drawn; one net is ours, the other one is printed."""
    rng, runs, n, spread = np.random.default_rng(0), 500, 256, 0.5
    inside, low, chance_of_low = 0, 0, 0.0
    for _ in range(runs):
        rate = rng.beta(0.5, 0.5, size=1)
        logits = np.log(rate / (1 - rate)) + spread * rng.standard_normal(2)
        ours, theirs = rng.binomial(n, 1 / (1 + np.exp(-logits)))
        of = predictive.of_counts(predictive.count_among(n, [ours], [n], spread), n, 1)
        place = printed_by_hand(Fraction(100 * int(theirs), n), 1, rng.random() < 0.2)
        inside += of.is_inside(place / 10, 0.2)
        low += place < 200
        chance_of_low += of.probabilities(0.2)[:200].sum() / runs
    ends = np.stack(clopper_pearson(np.array([inside, low]), np.array([runs, runs])))
    assert ends[1, 0] >= 0.95
    assert ends[0, 1] <= chance_of_low <= ends[1, 1]
