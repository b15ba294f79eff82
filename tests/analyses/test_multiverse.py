"""The score of readings, recomputed by hand on a small run that stands for Table 2."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from blindspots import statistics
from blindspots.analyses import kit, multiverse
from blindspots.config.printed import tables_in
from blindspots.files import tables
from tests.conftest import ROOT
from tests.evidence import judging

TABLES = tables_in(ROOT / "papers/szegedy2013/printed.yaml")
NETS = ["FC10-1e-4", "FC10-1e-2"]
READINGS = {"first": {"table2": "one"}, "second": {"table2": "two"}}


def answers(experiment, source, victim, count, distortion, suffix=""):
    wrong = np.arange(256) < count
    return pd.DataFrame(
        {
            "experiment": experiment, "source": source + suffix, "attack": "lbfgs", "seed": 0,
            "amplified_to": np.nan, "victim": victim + suffix, "victim_seed": 0,
            "dataset": "D", "file": "train",
            "index": range(256), "label": 1, "prediction": 1 + wrong, "success": True,
            "distortion": distortion + 0.01 * np.sin(np.arange(256)),
        }
    )  # fmt: skip


@pytest.fixture
def run():
    """Rates of two readings: "first" has the paper's, "second" others, with other names of nets."""
    printed = TABLES["table2"]
    first = [
        answers("one", s, v, round(2.56 * printed[s][v]), printed[s]["distortion"])
        for s in NETS for v in NETS
    ]  # fmt: skip
    second = [answers("two", s, v, 5 if s != v else 256, 0.3, "-x") for s in NETS for v in NETS]
    images = pd.DataFrame(
        {"seed": 0, "dataset": "D", "file": "train", "index": range(1000), "label": 1}
    )
    clean = pd.concat(
        images.assign(net=net, prediction=1 + (images["index"] < 67))
        for net in [*NETS, *(f"{net}-x" for net in NETS)]
    )
    split = images.assign(subset="P1")
    return pd.concat([*first, *second]), clean, split


def scored(run, **settings):
    renamed = {f"{net}-x": net for net in NETS}
    summary = judging(multiverse.multiverse)(
        *run,
        readings=READINGS,
        images=256,
        errors_of={"table2": "table1"},
        printed=TABLES,
        renamed=renamed,
        **settings,
    )
    tables.from_frame(summary, kit.SCHEMA)
    summary["text"] = summary["text"].str.replace(multiverse.NO_BREAK, " ")
    return summary.set_index(["row", "column"])


def test_a_run_that_shows_the_printed_figures_fits_every_cell_and_another_fits_fewer(run):
    found = scored(run)
    assert found.loc[("first", "table2"), "text"] == "6 of 6"  # four errors, two distortions
    assert found.loc[("second", "table2"), "text"] == "2 of 6"  # the diagonal
    assert found.loc[("first", "best"), "text"] == "fits most cells"
    assert found.loc[("second", "best"), "text"] == ""
    # 6.7% on the training images: Table 1 prints 6.7 and 10
    assert found.loc[("first", "table1"), "text"] == "3 of 4"
    off = [
        abs(5 / 2.56 - TABLES["table2"][row][column])
        for row, column in zip(NETS, NETS[::-1], strict=True)
    ]
    clean = [0.0, 10 - 6.7]
    expected = np.mean([*off, 0, 0, *clean])
    assert found.loc[("second", "points"), "value"] == pytest.approx(expected, abs=0.01)


def test_cell_by_cell_the_printed_figure_is_beside_ours_under_every_reading(run):
    found = scored(run, cells_of="table2")
    row = "FC10-1e-4, FC10-1e-2"
    assert found.loc[(row, "paper"), "value"] == 11.7
    assert found.loc[(row, "first"), "text"] == "11.7 ✓"
    assert found.loc[(row, "second"), "text"] == "2.0"
    assert found.loc[(row, "fits"), "text"] == "1 of 2"
    assert found.loc[("FC10-1e-4, distortion", "second"), "text"] == "0.300"


def test_a_figure_fits_within_the_prediction_interval_and_half_its_last_digit(run):
    low, high = statistics.prediction(30, 256, 256)
    assert low < 30 / 256 < high
    values = answers("one", "a", "b", 0, 0.1)["distortion"]
    mean, interval = judging(multiverse._distortion)(answers("one", "a", "b", 0, 0.1), images=256)
    half = stats.t.ppf(0.975, 255) * values.std() * np.sqrt(2 / 256)
    assert (mean, interval.high - mean) == pytest.approx((values.mean(), half))
