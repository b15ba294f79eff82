"""Transfer by what two nets have in common, from errors by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses.by_pair import NOISE, by_pair
from blindspots.figures.by_pair import by_pair as drawn
from blindspots.figures.kit import style
from blindspots.files import splits
from blindspots.measurements import controls
from blindspots.statistics import student

N, SEEDS, LENGTHS = 200, (0, 1, 2), (0.05, 0.1)


def split_of(parts, seeds=SEEDS, n=80):
    """Splits with some slices, as an analysis reads them."""
    images = pd.DataFrame({"dataset": "D", "file": "train", "index": np.arange(n)})
    found = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(n)
        cut = {name: np.isin(np.arange(n), order[a:b]) for name, (a, b) in parts.items()}
        own = {splits.column_of(name): its for name, its in cut.items()}
        found.append(images.assign(seed=seed, subset="P1", **own))
    return pd.concat(found, ignore_index=True)


def curves_of(nets, error, noise, lengths=LENGTHS, seeds=SEEDS, direction="closest"):
    """Errors in percent: error(seed, source, victim, length) and noise(seed, victim, length)."""
    rows = []
    for seed, at, victim in itertools.product(seeds, lengths, nets):
        of = {"seed": seed, "victim": victim, "distortion": at, "rejected": 0.0, "n": N}
        rows.append(of | {"source": None, "direction": "noise", "wrong": noise(seed, victim, at)})
        rows.append(of | {"source": None, "direction": "other image", "wrong": 100.0})
        for source in nets:
            wrong = 100.0 if source == victim else error(seed, source, victim, at)
            rows.append(of | {"source": source, "direction": direction, "wrong": wrong})
    frame = pd.DataFrame(rows)
    return frame.assign(wrong=frame["wrong"] * N / 100)


SHARES = {"A": (0, 40), "same": (0, 40), "half": (20, 60), "none": (40, 80)}
OF = {("A", "same"): 100, ("A", "half"): 50, ("same", "half"): 50, ("half", "none"): 50,
      ("A", "none"): 0, ("same", "none"): 0}  # fmt: skip
"""Share of images that two slices have in common, in percent."""


def share(one, other):
    return OF.get((one, other), OF.get((other, one)))


def noise(seed, victim, at):
    return {"A": 1, "same": 2, "half": 3, "none": 4}[victim] + 10 * at + seed


def beyond(seed, percent, at):
    return 2 + 0.1 * percent * (1 + seed / 10) + 20 * at + seed**2


@pytest.fixture
def overlap():
    """Error beyond noise as of `beyond`, and 4 more or less by direction."""

    def error(seed, source, victim, at):
        aside = 4 if source < victim else -4
        return noise(seed, victim, at) + beyond(seed, share(source, victim), at) + aside

    on = {net: net for net in SHARES}
    return curves_of([*SHARES], error, noise), split_of(SHARES), on


def test_pairs_are_grouped_by_the_share_of_images_that_the_splits_say(overlap):
    curves, split, on = overlap
    found = by_pair(curves, split, trained_on=on).set_index(["row", "column"])
    assert list(dict.fromkeys(found.index.get_level_values("row"))) == [
        "100%", "50%", "0%", "100% less 50%", "100% less 0%",
    ]  # fmt: skip
    assert found.loc[("50%", "noise at 0.1"), "row_label"] == "50% of the images (6 pairs)"
    for percent, at in itertools.product((100, 50, 0), LENGTHS):
        cell = found.loc[(f"{percent}%", f"noise at {at:g}")]
        by_seed = np.array([beyond(seed, percent, at) for seed in SEEDS])
        assert cell["value"] == pytest.approx(by_seed.mean())
        assert (cell["low"], cell["high"]) == pytest.approx(student(by_seed))
        assert (cell["unit"], cell["n"], cell["networks"]) == ("points", N, 3)


def test_the_error_itself_stands_beside_it(overlap):
    curves, split, on = overlap
    found = by_pair(curves, split, trained_on=on).set_index(["row", "column"])
    raw, beyond = (found.loc[("0%", f"{of} at 0.1"), "value"] for of in ("raw", "noise"))
    by_noise = [noise(seed, victim, 0.1) for seed in SEEDS for victim in ("none", "A", "same")]
    weights = [2, 1, 1] * len(SEEDS)  # "none" is a victim of both
    assert raw - beyond == pytest.approx(np.average(by_noise, weights=weights))


def test_a_difference_is_taken_seed_by_seed_so_that_what_a_seed_adds_to_both_drops_out(overlap):
    curves, split, on = overlap
    found = by_pair(curves, split, trained_on=on).set_index(["row", "column"])
    for percent in (50, 0):
        cell = found.loc[(f"100% less {percent}%", "noise at 0.05")]
        gains = np.array([0.1 * (100 - percent) * (1 + seed / 10) for seed in SEEDS])
        ends = (gains.mean(), *student(gains))
        assert (cell["value"], cell["low"], cell["high"]) == pytest.approx(ends)
    assert ("100% less 0%", "raw at 0.05") not in found.index


def test_a_net_whose_training_images_are_not_known_is_in_no_pair(overlap):
    curves, split, on = overlap
    found = by_pair(curves, split, trained_on=on | {"same": None})
    assert set(found["row"]) == {"50%", "0%", "50% less 0%"}
    assert by_pair(curves, split, trained_on=dict.fromkeys(on)).empty


PROPERTIES = {"layers": ["*-1*", "*-2*"], "activation": ["tanh-*", "relu-*"]}
NETS = ["linear", "tanh-1", "tanh-1-again", "tanh-2", "relu-1", "relu-2"]


def test_pairs_are_grouped_by_the_properties_in_which_two_nets_differ():
    def error(seed, source, victim, at):
        if "linear" in (source, victim):
            return 30.0
        other = (source[5:6] != victim[5:6]) + 10 * (source[:4] != victim[:4])
        return 50.0 - other

    curves = curves_of(NETS, error, lambda *of: 7.0, seeds=(0,))
    found = by_pair(curves, split_of({}), trained_on={}, differences=PROPERTIES)
    assert found[["low", "high", "interval"]].isna().all(axis=None)  # one seed: no Wilson's either
    found = found[found["column"] == "noise at 0.1"].set_index("row")
    both = (3 * 39 + 5 * 30) / 8 - 7  # three pairs without the linear net, five with it
    assert found["value"].to_dict() == pytest.approx(
        {"same": 43, "layers": 42, "activation": 33, "layers, activation": both,
         "same less layers": 1, "same less activation": 10,
         "same less layers, activation": 43 - both}
    )  # fmt: skip
    assert found.loc["layers, activation", "row_label"].startswith("other layers and activation (1")
    assert found.loc["same less layers", "row_label"] == "no difference − other layers"


def test_several_attacks_have_rows_of_their_own():
    curves = pd.concat(
        curves_of(["a", "b"], lambda *of, wrong=wrong: wrong, lambda *of: 5.0, direction=name)
        for name, wrong in (("near", 25.0), ("far", 65.0))
    ).drop_duplicates()
    found = by_pair(curves, split_of({}), trained_on={}, differences={"name": ["a"]})
    values = found.set_index(["row", "column"])["value"]
    assert values["near/name", "noise at 0.1"] == pytest.approx(20)
    assert values["far/name", "noise at 0.1"] == pytest.approx(60)


def test_lengths_that_no_image_reaches_are_left_out(overlap):
    curves, split, on = overlap
    far = (curves["distortion"] == 0.1) & (curves["victim"] == "A")
    found = by_pair(curves.assign(n=np.where(far, 0, curves["n"])), split, trained_on=on)
    values = found.set_index(["row", "column"])["value"]
    near, far = (np.mean([beyond(seed, 100, at) for seed in SEEDS]) for at in LENGTHS)
    assert values["100%", "noise at 0.05"] == pytest.approx(near)
    assert values["100%", "noise at 0.1"] == pytest.approx(far + 4)  # A to same alone


def test_the_figure_has_a_line_per_length_with_students_interval_at_each_group(overlap):
    curves, split, on = overlap
    with style():
        figure = drawn(curves, split, trained_on=on)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0%", "50%", "100%"]
    for bars, at in zip(axes.containers, LENGTHS, strict=True):
        line, _, (segments,) = bars.lines
        by_share = [np.array([beyond(s, percent, at) for s in SEEDS]) for percent in (0, 50, 100)]
        assert line.get_ydata() == pytest.approx([of.mean() for of in by_share])
        ends = [[y for _, y in segment] for segment in segments.get_segments()]
        assert np.array(ends) == pytest.approx(np.array([student(of) for of in by_share]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.05", "0.1"]


def test_the_noise_is_that_of_the_sweep():
    assert NOISE == controls.NOISE
