"""Images in rows: grey as they are, colours scaled to black and white; and figures of panels."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses.attacked import SEEN
from blindspots.figures import kit
from blindspots.figures.examples import examples


def test_grey_images_keep_their_values_and_what_is_between_them_is_white():
    rows = [[np.full((1, 2, 3), value) for value in of] for of in ((0.1, 0.2), (0.3,))]
    found = kit.mosaic(rows, 0.0, 0.9)
    assert found.shape == (2 * 2 + kit.GAP, 2 * 3 + kit.GAP)
    assert (found[0, 0], found[0, -1], found[-1, 0]) == (0.1, 0.2, 0.3)
    assert found[0, 3] == found[2, 0] == found[-1, -1] == 0.9
    vectors = [[image[0].reshape(-1) for image in of] for of in rows]
    assert kit.mosaic(vectors, 0.0, 0.9).shape == (2 + kit.GAP, 2 * 6 + kit.GAP)
    two_channels = [[np.stack([np.zeros((2, 3)), np.ones((2, 3))])]]
    assert (kit.mosaic(two_channels, 0.0, 1.0) == 0.5).all()


def test_colours_are_scaled_to_the_range_of_black_and_white():
    image = np.stack([np.full((2, 2), value) for value in (-2.0, 0.0, 3.0)])
    found = kit.mosaic([[image, image]], -2.0, 2.0)
    assert found.shape == (2, 2 * 2 + kit.GAP, 3)
    assert found[0, 0].tolist() == [0, 0.5, 1]
    assert found[0, 2].tolist() == [1, 1, 1]


def test_originals_in_colour_are_shown_in_colour_beside_their_distorted_images():
    origin = {"source": "A", "attack": "lbfgs", "amplified_to": None, "seed": 0}
    red, green = (np.stack([np.full((2, 2), on == place, np.float32) for place in range(3)])
                  for on in (0, 1))  # fmt: skip
    pictures = pd.DataFrame([origin | {"original": red, "image": green}] * 3)
    answer = origin | {"victim": "A", "victim_seed": 0, "outcome": "WRONG", "distortion": 0.1,
                       "source_outcome": "RIGHT", "success": True, "dataset": "D", "file": "test",
                       "index": 0}  # fmt: skip
    transfer = pd.DataFrame([answer])
    assert {*SEEN} <= {*transfer}
    panels = [{"source": "A", "victim": "A"}]
    figure = examples(pictures, transfer, panels=panels, rows=3, pairs=2, labels={})
    (axes,) = figure.axes
    shown = axes.get_images()[0].get_array()
    assert shown.shape == (3 * 2 + 2 * kit.GAP, 4 * 2 + 3 * kit.GAP, 3)
    assert shown[0, 0].tolist() == [1, 0, 0]
    assert shown[0, 2 + kit.GAP].tolist() == [0, 1, 0]
    assert (shown[4:6, 4 + 2 * kit.GAP :] == 1).all()  # three pairs leave half a row
    assert (shown[-2:] == 1).all()


@pytest.mark.parametrize(("n", "places"), [(0, 1), (2, 2), (3, 3), (4, 6)])
def test_panels_fill_rows_of_three_and_places_without_one_are_empty(n, places):
    figure, axes = kit.panels(n, 2.0, 1.0, beside=0.5, above=0.25)
    assert len(axes) == places
    assert [one.axison for one in axes] == [place < n for place in range(places)]
    across, down = min(places, 3), -(-places // 3)
    assert figure.get_size_inches().tolist() == [2 * across + 0.5, down + 0.25]
