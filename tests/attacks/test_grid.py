"""The largest c of a grid whose minimiser reaches its goal, against SciPy's minimiser at every c.

On a linear net with cross-entropy the problem is convex for each c, and its minimiser comes nearer
as c grows, so that success is monotone in c: the three ways through a grid have one answer.
"""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, minimize

from blindspots.attacks import closest, lbfgs
from blindspots.attacks._grid import AWAY, Grid
from blindspots.interface import InputError, Status
from blindspots.threat.goals import SUCCESS_MARGIN
from tests.attacks.test_lbfgs import linear_model

UNSETTLED = 5e-3
"""Margin, as a share of the largest logit, that a minimiser must have for its success or failure to
be certain: a perturbation that is off by `CLOSE` of its length moves no margin by as much."""
CLOSE = 2e-3
"""Relative tolerance of distances."""
PIXELS, CLASSES, N = 20, 5, 16


class Convex:
    """Images of a linear net with random weights, and SciPy's minimisers in float64."""

    def __init__(self, seed=0, n=N):
        rng = np.random.default_rng(seed)
        self.weight, self.bias = (
            rng.standard_normal((CLASSES, PIXELS)),
            rng.standard_normal(CLASSES),
        )
        self.images = rng.uniform(0, 1, (n, PIXELS))
        self.labels = (self.images @ self.weight.T + self.bias).argmax(axis=1)
        self.targets = (self.labels + rng.integers(1, CLASSES, n)) % CLASSES

    def found(self, **settings):
        model = linear_model(*map(torch.from_numpy, (self.weight, self.bias)))
        arrays = (self.images, self.labels, self.targets)
        return lbfgs(model, *map(torch.from_numpy, arrays), search="grid", **settings)

    def minimiser(self, i, c):
        """The margin that lbfgs judges by, and the distance, of the minimiser of c ‖r‖² + loss."""
        image, target = self.images[i], self.targets[i]

        def objective(x):
            logits = self.weight @ x + self.bias
            shares = np.exp(logits - logits.max())
            loss = math.log(shares.sum()) + logits.max() - logits[target]
            shares /= shares.sum()
            shares[target] -= 1
            change = x - image
            return loss + c * change @ change, self.weight.T @ shares + 2 * c * change

        x = minimize(
            objective, image, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * PIXELS,
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 2000},
        ).x  # fmt: skip
        logits = self.weight @ x + self.bias
        lead = logits[target] - np.delete(logits, target).max()
        return lead / np.abs(logits).max() - SUCCESS_MARGIN, np.linalg.norm(x - image)

    def largest_of_l2(self, i, ratio):
        """The largest c on a grid whose minimiser of c ‖r‖ + loss reaches the target: its power.

        Where r is not 0, this minimiser is that of w ‖r‖² + loss with c = 2 w ‖r‖.
        """
        log_w = brentq(lambda log_w: self.minimiser(i, math.exp(log_w))[0], -8, 8, xtol=1e-6)
        w = math.exp(log_w)
        c = 2 * w * self.minimiser(i, w)[1]
        return math.floor(math.log(c) / math.log(ratio))

    def distance_of_l2(self, i, c):
        """Distance of the minimiser of c ‖r‖ + loss."""

        def excess(log_w):
            w = math.exp(log_w)
            return 2 * w * self.minimiser(i, w)[1] - c

        return self.minimiser(i, math.exp(brentq(excess, -12, 12, xtol=1e-6)))[1]


@pytest.mark.parametrize("ratio", [1.1, 1.25])
def test_all_ways_end_at_the_largest_c_that_reaches_the_target_and_keep_its_minimiser(ratio):
    problem = Convex()
    powers = range(round(math.log(2e-3, ratio)), round(math.log(100, ratio)) + 1)
    largest, lengths, settled = [], [], []
    for i in range(N):
        margins, found = zip(*(problem.minimiser(i, ratio**k) for k in powers), strict=True)
        reached = np.array(margins) >= 0
        last = reached.sum() - 1
        assert reached[: last + 1].all()  # success is monotone in c
        assert 0 <= last < len(powers) - 1
        largest.append(powers[last])
        lengths.append(found[last])
        settled.append(min(margins[last], -margins[last + 1]) > UNSETTLED)
    settled = np.array(settled)
    assert settled.sum() > N / 2
    for start in AWAY:
        found = problem.found(grid_ratio=ratio, grid_from=start)
        assert (found.status == Status.CONVERGED).all()
        ends = found.penalty.log() / math.log(ratio)
        assert np.array_equal(ends.round().int()[settled], np.array(largest)[settled])
        assert np.allclose(found.l2[settled], np.array(lengths)[settled], rtol=CLOSE)


def test_with_a_plain_distance_all_ways_end_at_a_value_of_the_grid_next_to_the_largest():
    # The parabolas that stand for ‖r‖ close in slowly where the loss is almost linear.
    ratio, problem = 1.1, Convex(n=8)
    largest = np.array([problem.largest_of_l2(i, ratio) for i in range(8)])
    lengths = [problem.distance_of_l2(i, ratio**k) for i, k in enumerate(largest)]
    for start in AWAY:
        found = problem.found(grid_ratio=ratio, grid_from=start, distance="l2")
        assert (found.status == Status.CONVERGED).all()
        ends = (found.penalty.log() / math.log(ratio)).round().numpy()
        assert (np.abs(ends - largest) <= 1).all()
        assert np.median(found.l2.numpy() / lengths) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("start", AWAY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_c_is_a_power_of_the_ratio_the_same_for_all_images(
    sigmoid_net, digits, wrong_targets, start, dtype
):
    model = torch.nn.Sequential(sigmoid_net, torch.nn.Identity())
    images = digits[0][:60]
    if dtype == torch.float64:
        weight = torch.randn(10, 64, dtype=dtype, generator=torch.Generator().manual_seed(0))
        model, images = linear_model(weight), images.double()
    labels = model(images).argmax(dim=1)
    targets = (labels + 1) % 10
    found = lbfgs(model, images, labels, targets, search="grid", grid_ratio=1.25, grid_from=start)
    assert found.success.all()
    powers = (found.penalty.double().log() / math.log(1.25)).round()
    assert len(powers.unique()) > 3
    assert torch.equal(found.penalty, (1.25**powers).to(found.penalty))
    assert len(found.penalty.unique()) == len(powers.unique())


def test_no_grid_comes_nearer_than_the_closest_and_finer_ones_come_closer_to_bisection(
    softmax_net, digits, wrong_targets
):
    arguments = digits[0][:60], digits[1][:60], wrong_targets[:60]
    exact = closest(softmax_net, *arguments).l2
    bisected = lbfgs(softmax_net, *arguments).l2
    means = []
    for ratio in (10, 2, 1.25, 1.02):
        found = lbfgs(softmax_net, *arguments, search="grid", grid_ratio=ratio)
        assert found.success.all()
        assert (found.l2 >= exact * (1 - 1e-6)).all()
        means.append(found.l2.mean() / bisected.mean())
        # Where c falls by a factor, the minimiser of a convex loss goes away by less than it.
        assert ratio == 10 or means[-1] < 1.01 * ratio
    assert means == sorted(means, reverse=True)
    assert 0.99 < means[-1] < 1.02 * 1.01


def search(start, ratio, reached, n=1, guess=1.0):
    """Go through a grid with a rule of success; return the bracket and all c that it tried."""
    grid = Grid(torch.zeros(n, dtype=torch.float64), ratio, start)
    rows, best = torch.arange(n), torch.full((n,), torch.inf, dtype=torch.float64)
    c, tried = grid.first(torch.full((n,), guess)), []
    while not grid.is_closed(rows, best).all():
        tried.append(c[0].item())
        slack = torch.where(reached(c), 1.0, -1.0)
        c = grid.settle(rows, c, slack, torch.ones(n)).float()
        assert len(tried) < 10_000
    return grid, tried


@pytest.mark.parametrize("start", AWAY)
@pytest.mark.parametrize("ratio", [1.001, 1.1, 1.25, 10, 1000])
def test_a_closed_bracket_is_between_neighbours_on_the_grid(start, ratio):
    for largest in (3e-2, 0.8, 40.0):
        grid, tried = search(start, ratio, lambda c, most=largest: c <= most)
        low, high = (grid.ends / math.log(ratio)).round()[0].tolist()
        assert high == low + 1
        assert ratio**low <= largest * (1 + 1e-6)
        assert ratio**high > largest * (1 - 1e-6)
        if start == "guess":
            assert len(tried) < 30


def test_where_success_is_not_monotone_the_first_from_above_or_the_last_from_below_counts():
    islands = [(0, 0.5), (2, 4)]

    def reached(c):
        return torch.stack([(low <= c) & (c <= high) for low, high in islands]).any(dim=0)

    above, down = search("above", 1.1, reached)
    below, up = search("below", 1.1, reached)
    assert 4 / 1.1 < above.ends[0, 0].exp() <= 4
    assert 0.5 / 1.1 < below.ends[0, 0].exp() <= 0.5
    assert down == sorted(down, reverse=True)
    assert up == sorted(up)
    assert down[0] == pytest.approx(10, rel=0.05)
    assert up[0] == pytest.approx(0.1, rel=0.05)


def test_a_start_that_succeeds_above_or_misses_below_moves_by_decades():
    above, down = search("above", 1.25, lambda c: c <= 2000)
    below, up = search("below", 1.25, lambda c: c <= 2e-4)
    assert 2000 / 1.25 < above.ends[0, 0].exp() <= 2000
    assert 2e-4 / 1.25 < below.ends[0, 0].exp() <= 2e-4
    assert np.allclose(np.array(down[1:4]) / down[:3], 1.25**10)
    assert np.allclose(np.array(up[1:3]) / up[:2], 1.25**-10)


def test_a_search_that_ends_early_says_so():
    problem = Convex()
    early = problem.found(grid_ratio=1.1, grid_from="above", initial_penalty=1e4, max_searches=1)
    assert (early.status == Status.ITERATION_LIMIT).all()
    assert not early.success.any()
    early = problem.found(grid_ratio=1.1, grid_from="below", initial_penalty=1e-5, max_searches=1)
    assert (early.status == Status.ITERATION_LIMIT).all()
    assert early.success.all()
    whole = problem.found(grid_ratio=1.1, grid_from="above", initial_penalty=1e4)
    usual = problem.found(grid_ratio=1.1, grid_from="above")
    assert (whole.status == Status.CONVERGED).all()
    assert torch.equal(whole.penalty, usual.penalty)


def test_names_the_ways_through_a_grid(sigmoid_net, digits):
    with pytest.raises(InputError, match="grid_from: expected one of guess, above, below, found"):
        lbfgs(sigmoid_net, digits[0][:2], digits[1][:2], search="grid", grid_from="up")
