"""A figure describes itself in words, and its file contains them."""

from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from blindspots.figures._description import description
from blindspots.figures.heatmap import heatmap
from blindspots.figures.kit import save, style
from blindspots.interface import InputError
from blindspots.report.page import DESCRIPTION
from tests.evidence import judged


def two_panels():
    figure = Figure()
    first, second, empty = figure.subplots(1, 3)
    first.plot([0, 2], [10, 40], label="net A & co")
    second.plot([1, 3], [20, 30])
    first.set(title="A\nat last", ylabel="error (%)", xlim=(-9, 9))
    second.set_title("B")
    empty.set_axis_off()
    figure.supxlabel("distortion")
    first.legend()
    return figure


def test_panels_axes_with_the_range_of_what_is_drawn_and_legend_are_told():
    assert description(two_panels()) == (
        "Panels: A at last; B. Across: distortion, from 0 to 3. Up: error (%), from 10 to 40. "
        "Legend: net A & co."
    )


def test_a_heat_map_tells_the_range_of_its_cells_beside_the_papers():
    rows = [
        {"source": s, "attack": "lbfgs", "amplified_to": np.nan, "victim": v, "seed": 0,
         "victim_seed": 0, "dataset": "D", "file": "train", "index": i, "label": 0,
         "prediction": int(s == v or i == 0), "margin": 0.0, "success": True, "distortion": 0.1,
         "experiment": "e"}
        for s in ("A", "B") for v in ("A", "B") for i in range(4)
    ]  # fmt: skip
    drawn = heatmap(judged(rows), labels={})
    assert "Cells from 25 to 100." in description(drawn)


def test_an_empty_figure_says_nothing():
    assert description(Figure()) == ""


def test_the_file_keeps_the_words_for_the_report_and_the_same_bytes(tmp_path):
    with style():
        for name in ("a.svg", "b.svg"):
            save(two_panels(), tmp_path / name, "Lines <of> nets.")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    said = ElementTree.parse(tmp_path / "a.svg").find(f".//{DESCRIPTION}")
    assert said.text.startswith("Lines <of> nets. Panels: A at last; B.")


def test_what_is_no_figure_is_refused(tmp_path):
    for found in (None, two_panels().axes[0], "a.png"):
        with pytest.raises(InputError, match=f"matplotlib Figure, found {type(found).__name__}$"):
            save(found, tmp_path / "f.svg")
    assert not list(tmp_path.iterdir())
