"""Bands of the curves of error against distortion."""

import numpy as np
import pandas as pd
import pytest

from blindspots.figures.curves import _rates


@pytest.mark.parametrize(("networks", "has_band"), [(1, True), (2, False), (3, True)])
def test_a_mean_of_two_networks_has_no_band(networks, has_band):
    wrong = np.array([20, 30, 25])[:networks]
    rows = pd.DataFrame({"distortion": 0.1, "n": 100.0, "wrong": wrong, "rejected": 0})
    (line,) = _rates(rows).to_dict("records")
    assert line["rate"] == wrong.mean()
    assert (line["low"] < line["rate"] < line["high"]) == has_band
    assert np.isnan(line["low"]) != has_band
