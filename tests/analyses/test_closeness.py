"""Shares, ratios and half distances from rows worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from blindspots.analyses.closeness import closeness

IMAGE = {"dataset": "D", "file": "test"}


def attacks(lengths, net="A", seed=0, target=2):
    """Attacked images of label 1; NaN: the attack failed."""
    return pd.DataFrame(
        [
            IMAGE | {
                "net": net, "seed": seed, "index": i, "label": 1, "target": target,
                "outcome": "RIGHT", "success": length == length, "distortion": length,
                "attacked_outcome": "WRONG", "attacked_prediction": target or 2,
            }
            for i, length in enumerate(lengths)
        ]
    )  # fmt: skip


def neighbours(distances, seed=0):
    """Nearest images, by class, of each image."""
    return pd.DataFrame(
        [
            IMAGE | {"seed": seed, "index": i, "other": other, "distance": distance}
            for i, near in enumerate(distances)
            for other, distance in near.items()
        ]
    )


def table(*given):
    made = closeness(*given, labels={"A": "net A"})
    return made.set_index(["row", "column"])


NEAR = [{0: 0.4, 2: 0.5}, {0: 0.6, 2: 0.2}, {0: 0.4, 2: 0.4}, {0: 0.3, 2: 0.8}]
LENGTHS = [0.1, 0.11, 0.2, np.nan]


def test_a_perturbation_is_close_below_half_the_way_to_another_class_and_failures_never_are():
    made = table(attacks(LENGTHS), neighbours(NEAR))
    value = made["value"].to_dict()
    assert value["A", "close"] == 25  # 0.1 < 0.2; 0.11 > 0.1; 0.2 is half of 0.4; failed
    assert value["A", "target close"] == 25
    assert value["A", "ratio"] == pytest.approx((0.5 + 0.55) / 2)
    assert value["A", "target ratio"] == pytest.approx((0.5 + 0.55) / 2)
    assert value["A", "half distance"] == pytest.approx((0.2 + 0.1 + 0.2 + 0.15) / 4)
    assert value["A", "target half distance"] == pytest.approx((0.25 + 0.1 + 0.2 + 0.4) / 4)
    pooled = np.sqrt(np.mean(np.square(LENGTHS[:3])))
    assert value["A", "pooled distortion"] == pytest.approx(pooled)
    assert made.loc[("A", "pooled distortion"), "text"].endswith("(3 of 4)")
    assert made["row_label"].eq("net A").all()


def test_the_intervals_on_one_net_are_those_of_scipy():
    made = table(attacks(LENGTHS[:3]), neighbours(NEAR[:3]))
    half = stats.t.interval(0.95, 2, np.mean([0.2, 0.1, 0.2]), stats.sem([0.2, 0.1, 0.2]))
    assert made.loc[("A", "half distance"), ["low", "high"]].tolist() == pytest.approx(half)
    squares = np.square(LENGTHS[:3])
    ends = stats.t.interval(0.95, 2, squares.mean(), stats.sem(squares))
    wanted = np.sqrt(np.maximum(ends, 0))
    assert made.loc[("A", "pooled distortion"), ["low", "high"]].tolist() == pytest.approx(wanted)


def test_over_seeds_each_network_is_compared_with_its_own_images_and_counts_once():
    given = [attacks(LENGTHS, seed=seed) for seed in range(3)]
    near = [neighbours([NEAR[0]] * 4, seed=0), neighbours(NEAR, 1), neighbours(NEAR, 2)]
    made = table(pd.concat(given), pd.concat(near))
    close = made.loc[("A", "close")]
    assert close["value"] == pytest.approx((50 + 25 + 25) / 3)
    assert (close["networks"], close["interval"]) == (3, "student")


def test_images_that_the_net_gets_wrong_unaltered_do_not_count():
    rows = attacks([0.1, 0.01, 0.01])
    rows.loc[1:, "outcome"] = ["WRONG", "REJECTED"]
    made = table(rows, neighbours([NEAR[0]] * 3))
    assert made.loc[("A", "close"), ["value", "n"]].tolist() == [100, 1]


def test_without_targets_there_is_no_column_for_them():
    made = table(attacks(LENGTHS, target=None), neighbours(NEAR))
    assert made.index.get_level_values("column").tolist() == [
        "close", "ratio", "half distance", "pooled distortion",
    ]  # fmt: skip


def test_an_equal_image_of_another_class_leaves_no_way_to_it():
    made = table(attacks([0.1, 0.1, np.nan]), neighbours([{0: 0.0}] * 3))
    assert made.loc[("A", "close"), "value"] == 0
    assert made.loc[("A", "ratio"), ["text", "reason"]].tolist() == [
        "infinite", "more than half of the images are not fooled, or equal a training image of "
        "such a class",
    ]  # fmt: skip
    failed = table(attacks([0.1, np.nan, np.nan]), neighbours([{0: 0.0}] * 3))
    assert failed.loc[("A", "ratio"), ["text", "reason"]].tolist() == [
        "> half not fooled", "more than half of the images are not fooled",
    ]  # fmt: skip


def test_a_dataset_without_other_classes_says_so():
    made = table(attacks([0.1]), neighbours([{0: 0.1}])[:0])
    assert made.loc[("A", "close"), "reason"] == "no training image of such a class"
