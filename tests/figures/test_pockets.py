"""The figure of pockets, from counts by hand."""

import numpy as np
import pandas as pd
import pytest

from blindspots import statistics
from blindspots.figures.kit import style
from blindspots.figures.pockets import UNTRIED, pockets, shares


def rows(fooled, multiple=1.0, directions=100, **of):
    """Return a row per image, each with this number of directions."""
    given = {"source": "A", "attack": "near", "eps": np.nan, "seed": 0} | of
    return pd.DataFrame({"fooled": fooled, "directions": directions, "multiple": multiple} | given)


def test_a_share_is_the_mean_over_images_with_an_interval_that_none_fooled_has_too():
    nothing, some = shares(pd.concat([rows([0, 0]), rows([10, 30, 20], 4.0)]))
    assert (nothing.multiple, nothing.share, nothing.low) == (1, 0, 0)
    _, high = statistics.clopper_pearson(np.array([0]), np.array([200]))
    assert nothing.high == pytest.approx(100 * high[0])
    assert (some.multiple, some.share) == (4, pytest.approx(20))
    low, high = statistics.student(np.array([10, 30, 20]))
    assert (some.low, some.high) == (max(low, 0), pytest.approx(high))


def test_an_image_that_was_not_tried_has_no_part_in_it():
    (only,) = shares(pd.concat([rows([50]), rows([0], directions=0)]))
    assert only.share == 50
    assert [*shares(rows([0], directions=0))] == []


def test_the_interval_over_three_networks_is_at_least_students():
    networks = [rows([mean] * 50, seed=seed) for seed, mean in enumerate([10, 50, 90])]
    (one,) = shares(pd.concat(networks))
    low, high = statistics.student(np.array([10, 50, 90]))
    assert one.share == pytest.approx(50)
    assert (one.low, one.high) == (max(low, 0), min(high, 100))


def test_every_attack_has_a_panel_with_every_nets_line_at_the_multiples():
    parts = [
        rows([place], multiple, source=net, attack=attack)
        for place, net in enumerate("AB")
        for attack in ("near", "far")
        for multiple in (1.0, 2.0, 8.0)
    ]
    with style():
        figure = pockets(pd.concat(parts), labels={"A": "Net A"})
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["near", "far"]
    for axes in (first, second):
        drawn = [bars.lines[0].get_ydata() for bars in axes.containers]
        assert [list(line) for line in drawn] == [[0] * 3, [1] * 3]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Net A", "B"]
    assert [label.get_text() for label in first.get_xticklabels()] == ["× 1", "× 2", "× 8"]
    assert first.get_yticks()[0] == 0


def test_a_figure_without_a_tried_image_says_so():
    with style():
        figure = pockets(rows([0], directions=0), labels={})
    assert [text.get_text() for text in figure.axes[0].texts] == [UNTRIED]
