import numpy as np
import pandas as pd
import pytest

from blindspots.figures.learning import learning


@pytest.fixture
def history():
    rows = [
        {"net": net, "seed": seed, "seconds": 2.0 * epoch + seed, "error": 10.0 / epoch + seed,
         "loss": 1.0 / epoch}
        for net in ("A", "B") for seed in (0, 1) for epoch in (1, 2, 3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("axis", "places"), [("seconds", [2.5, 4.5, 6.5]), ("epochs", [1, 2, 3])])
def test_thick_lines_are_means_over_seeds(history, axis, places):
    figure = learning(history, axis=axis, labels={"A": "net A"})
    errors, losses = figure.axes
    thick = [line for line in errors.lines if line.get_linewidth() > 1]
    assert [line.get_label() for line in thick] == ["net A", "B"]
    np.testing.assert_allclose(thick[0].get_xdata(), places)
    np.testing.assert_allclose(thick[0].get_ydata(), 10 / np.array([1, 2, 3]) + 0.5)
    assert len(errors.lines) == len(losses.lines) == 6  # and a thin one per training


def test_a_net_without_errors_has_a_line_of_its_loss_alone(history):
    history.loc[history["net"] == "B", "error"] = np.nan
    errors, losses = learning(history, labels={}).axes
    drawn = [sum(len(line.get_xdata()) > 0 for line in axes.lines) for axes in (errors, losses)]
    assert drawn == [3, 6]
