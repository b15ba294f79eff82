import pytest
import torch

from blindspots.attacks._bracket import Bracket

LARGEST = torch.tensor([0.03, 1.0, 700.0], dtype=torch.float64)


def search(slack, best=torch.inf, precision=1.001, start=1.0, steps=60):
    """Bracket the c at which `slack` changes sign; return the last c and the number of tries."""
    n = len(LARGEST)
    bracket = Bracket(torch.zeros(n, dtype=torch.float64), 2.0, precision, 0.0)
    rows, c = torch.arange(n), torch.full((n,), start, dtype=torch.float64)
    best = torch.full((n,), best, dtype=torch.float64)
    for _ in range(steps):
        if len(rows) == 0:
            break
        c[rows] = bracket.settle(rows, c[rows], slack(c)[rows], torch.ones(len(rows)))
        rows = rows[~bracket.is_closed(rows, best[rows])]
    return bracket


@pytest.mark.parametrize(
    "slack",
    [
        lambda c: (LARGEST / c).log(),
        lambda c: (LARGEST - c).sign() + 0.5,  # a jump
        lambda c: (LARGEST / c) ** 3 - 1,
    ],
    ids=["straight", "jump", "bent"],
)
def test_closes_around_the_largest_c_that_reaches_the_goal(slack):
    bracket = search(slack)
    reaches, misses = bracket.ends.exp().unbind(dim=1)
    assert (misses <= 1.001 * reaches * (1 + 1e-9)).all()
    assert (reaches <= LARGEST * (1 + 1e-9)).all()
    assert (misses >= LARGEST * (1 - 1e-9)).all()


def test_where_the_slack_is_straight_in_log_c_it_takes_few_searches():
    assert (search(lambda c: (LARGEST / c).log()).searches <= 16).all()


def test_a_best_success_as_near_as_the_minimiser_that_misses_closes_it():
    bracket = search(lambda c: (LARGEST / c).log(), best=1.0, precision=1.0)
    assert bracket.is_closed(torch.arange(3), torch.ones(3, dtype=torch.float64)).all()
    assert not bracket.is_closed(torch.arange(3), torch.full((3,), 1.1, dtype=torch.float64)).any()
