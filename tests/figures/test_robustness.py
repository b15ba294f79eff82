import numpy as np
import pandas as pd

from blindspots.figures.robustness import robustness, shares

LEDGER = pd.DataFrame(
    {
        "net": ["A", "A", "A", "A", "B"],
        "seed": 0,
        "dataset": "D",
        "file": "test",
        "index": [0, 1, 2, 3, 0],
        "norm": "l2",
        "goal": "any",
        "upper": [1.0, 2.0, np.nan, 0.0, 4.0],  # never changed; wrong unaltered
        "lower": [0.5, np.nan, 1.5, 0.0, 3.0],
    }
)


def test_shares_are_counted_strictly_beyond_a_length():
    certified, robust = shares(LEDGER[LEDGER["net"] == "A"], np.array([0.0, 0.5, 1.0, 3.0]))
    assert list(certified) == [50, 25, 25, 0]
    assert list(robust) == [75, 75, 50, 25]


def test_a_panel_shows_each_net_of_the_experiment_and_the_lines_never_cross():
    attacks = LEDGER[LEDGER["net"] == "A"][["net", "seed", "dataset", "file", "index"]]
    attacks = attacks.assign(outcome=["RIGHT"] * 3 + ["WRONG"])
    others = LEDGER.assign(norm="linf", lower=9.0, upper=9.0)  # do not count
    ledger = pd.concat([LEDGER, others])
    figure = robustness(ledger, pd.concat([attacks, attacks]), labels={"A": "Net A"})
    (panel,) = [axes for axes in figure.axes if axes.get_title()]
    assert panel.get_title() == "Net A\n2 of 3 fooled"
    certified, robust = (line.get_ydata() for line in panel.get_lines()[:2])
    assert (certified <= robust).all()
    assert robust[0] == 75


def test_an_experiment_of_nets_without_bounds_has_a_figure_that_says_so():
    attacks = LEDGER[["net", "seed", "dataset", "file", "index"]].assign(net="C", outcome="RIGHT")
    (axes,) = robustness(LEDGER, attacks, labels={"C": "by chance"}).axes
    assert [text.get_text() for text in axes.texts] == ["no net with bounds"]
