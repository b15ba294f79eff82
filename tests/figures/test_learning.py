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


@pytest.mark.parametrize("zeros", [2, 12])
def test_an_error_of_0_is_in_the_figure_below_all_others(history, zeros):
    history.loc[history.index[-zeros:], "error"] = 0.0
    errors, losses = learning(history, labels={}).axes
    assert [axes.get_yscale() for axes in (errors, losses)] == ["symlog", "log"]
    assert errors.get_ylim()[0] < 0  # a line at 0 is not on the frame; and the limits are set
    smallest = history["error"][history["error"] > 0].min() if zeros < len(history) else 1.0
    lowest, above = (errors.transData.transform((1, value))[1] for value in (0.0, smallest))
    assert errors.bbox.y0 < lowest < above - 20  # pixels


def test_no_two_of_many_nets_look_alike(history):
    many = pd.concat([history[history["net"] == "A"].assign(net=f"net {i}") for i in range(24)])
    thick = [line for line in learning(many, labels={}).axes[0].lines if line.get_linewidth() > 1]
    assert len({(line.get_linestyle(), line.get_color()) for line in thick}) == 24


def test_a_net_without_errors_has_a_line_of_its_loss_alone(history):
    history.loc[history["net"] == "B", "error"] = np.nan
    errors, losses = learning(history, labels={}).axes
    drawn = [sum(len(line.get_xdata()) > 0 for line in axes.lines) for axes in (errors, losses)]
    assert drawn == [3, 6]
