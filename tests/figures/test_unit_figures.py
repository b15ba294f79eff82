import numpy as np
import pandas as pd
import pytest

from blindspots.figures.kit import GAP, save, style
from blindspots.figures.top_images import top_images
from blindspots.figures.unit_measures import unit_measures
from blindspots.interface import InputError
from tests.analyses.test_units import LABELS, frames


def pictures(shape=(1, 4, 4), k=3):
    """Return rows of images whose grey level is their direction's number."""
    rows = [
        {"net": "A", "seed": seed, "trained": trained, "layer": layer, "kind": "ReLU", "arm": arm,
         "direction": direction, "rank": rank, "score": -rank, "index": 0, "label": 0,
         "image": np.full(shape, direction / 10, np.float32)}
        for seed in (3, 4) for trained in (True, False) for layer in ("1", "2")
        for arm in ("units", "random") for direction in (5, 7, 9) for rank in range(k)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_row_of_top_images_for_each_of_the_first_directions(tmp_path):
    with style():
        figure = top_images(pictures(), layer="1", rows=2, labels=LABELS)
        save(figure, tmp_path / "f.svg")
    (axes,) = figure.axes
    mosaic = axes.get_images()[0].get_array()
    assert mosaic.shape == (2 * 4 + GAP, 3 * 4 + 2 * GAP)
    assert mosaic[0, 0] == mosaic[0, -1] == np.float32(0.5)
    assert mosaic[-1, 0] == np.float32(0.7)
    assert axes.get_title() == "Net A, layer 1 (ReLU): units"


def test_coloured_images_stay_coloured_and_the_last_layer_is_the_default():
    figure = top_images(pictures(shape=(3, 4, 4)), arm="random", labels=LABELS)
    (axes,) = figure.axes
    assert axes.get_images()[0].get_array().shape[2] == 3
    assert axes.get_title() == "Net A, layer 2 (ReLU): random directions"


def test_what_there_are_no_pictures_of_is_named():
    for setting in ({"layer": "9"}, {"net": "B"}, {"arm": "pca"}):
        (name,) = setting
        with pytest.raises(InputError, match=f"figure: {name}: expected one of"):
            top_images(pictures(), **setting, labels={})


def test_no_direction_with_a_top_is_said():
    with pytest.raises(
        InputError, match="figure: expected a direction with top images, found none"
    ):
        top_images(pictures().iloc[:0], labels={})


def test_a_panel_per_layer_shows_the_measures_of_every_arm():
    rows, _ = frames()
    figure = unit_measures(rows, labels=LABELS)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["Net A, layer 0 (Linear, before)", "Net A, layer 1 (Linear, after)"]
    arms = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert arms == ["units", "a rotation of the units"]
    only = unit_measures(rows, layers=["1"], labels=LABELS)
    assert [axes.get_title() for axes in only.axes if axes.get_title()] == titles[1:]


def test_an_unknown_layer_is_named():
    rows, _ = frames()
    with pytest.raises(InputError, match="layers: expected some of 0, 1, found '7'"):
        unit_measures(rows, layers=["7"], labels={})
