"""Differences of errors and the outcome of a search, recomputed by hand on tiny frames."""

import numpy as np
import pandas as pd
import pytest

from blindspots import statistics
from blindspots.analyses import contrasts, kit, search
from blindspots.files import tables
from blindspots.interface import InputError
from tests.evidence import judging


def answered(net, seed, wrong, file="train"):
    return pd.DataFrame(
        {
            "net": net, "seed": seed, "dataset": "D", "file": file,
            "index": range(len(wrong)), "label": 1,
            "prediction": 1 + np.array(wrong),
        }
    )  # fmt: skip


def split_of(clean, subset="validation"):
    return clean[["seed", "dataset", "file", "index"]].drop_duplicates().assign(subset=subset)


def fits(summary):
    tables.from_frame(summary, kit.SCHEMA)
    return summary.set_index(["row", "column"])


def test_differences_are_taken_seed_by_seed():
    wrong = {"A": [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], "B": [[1, 0, 0, 0], [0] * 4, [0] * 4]}
    clean = pd.concat(answered(n, s, w) for n in wrong for s, w in enumerate(wrong[n]))
    test = answered("A", 0, [1, 1, 1], "test")  # of a part that is not asked for
    split = pd.concat([split_of(clean), split_of(test, "test")])
    summary = fits(
        judging(contrasts.contrasts)(
            pd.concat([clean, test]), split, parts=["validation"], against=["B"], labels={"B": "b"}
        )
    )
    assert summary.loc[("A", "validation"), "value"] == pytest.approx(25)
    cell = summary.loc[("A", "validation less B")]
    low, high = statistics.student(np.array([25.0, 25.0, 0.0]))
    assert (cell["value"], cell["low"], cell["high"]) == pytest.approx((50 / 3, low, high))
    assert (cell["networks"], cell["interval"]) == (3, "student")
    assert cell["column_label"] == "validation error − b"
    assert pd.isna(summary.loc[("B", "validation less B"), "value"])


def test_against_a_net_that_does_not_classify_there_is_no_difference_but_the_reason():
    clean = pd.concat([answered("A", 0, [1, 0]), answered("coder", 0, [0, 0])])
    clean["status"] = ["CONVERGED"] * 2 + ["UNSUPPORTED"] * 2
    summary = fits(
        judging(contrasts.contrasts)(
            clean, split_of(clean), parts=["validation"], against=["coder"], labels={}
        )
    )
    cell = summary.loc[("A", "validation less coder")]
    assert pd.isna(cell["value"]) and cell["reason"] == contrasts.NO_ANSWER
    assert summary.loc[("A", "validation"), "value"] == 50


def test_on_one_seed_a_difference_is_paired_over_images_whatever_their_order():
    first, second = [1, 1, 0, 0, 1], [0, 1, 0, 1, 0]
    clean = pd.concat([answered("A", 0, first), answered("B", 0, second)[::-1]])
    summary = fits(
        judging(contrasts.contrasts)(
            clean, split_of(clean), parts=["validation"], against=["B"], labels={}
        )
    )
    cell = summary.loc[("A", "validation less B")]
    low, high = statistics.paired(np.array(first, bool), np.array(second, bool))
    expected = (20, 100 * low, 100 * high)
    assert (cell["value"], cell["low"], cell["high"]) == pytest.approx(expected)
    assert cell["interval"] == "paired"


def test_a_search_is_ordered_by_validation_errors_and_counts_what_it_took():
    clean = pd.concat(
        [
            answered("A", 0, [1, 1, 0, 0]), answered("B", 0, [1, 0, 0, 0]),
            answered("A", 0, [0, 0], "test"), answered("B", 0, [1, 1], "test"),
        ]
    )  # fmt: skip
    split = split_of(clean)
    split.loc[split["file"] == "test", "subset"] = "test"
    history = pd.DataFrame(
        {"net": ["A", "A", "B"], "seed": 0, "iteration": [1, 2, 1], "seconds": [1.0, 5.0, 7.0]}
    )
    found = judging(search.search)(history, clean, split, labels={"B": "b"})
    assert list(dict.fromkeys(found["row"])) == ["B", "A", search.ALL]
    summary = fits(found)
    assert summary.loc[("B", "error"), ["value", "n", "row_label"]].tolist() == [25, 4, "b"]
    assert summary.loc[("A", "error"), "value"] == 50
    assert summary.loc[("B", "mark"), "text"] == "lowest error"
    assert ("A", "mark") not in summary.index
    assert summary.loc[("A", "seconds"), "value"] == 5
    assert summary.loc[(search.ALL, "seconds"), "value"] == 12
    assert summary.loc[(search.ALL, "mark"), "text"] == "2 trainings"


def test_a_search_without_validation_images_is_refused_in_one_line():
    clean = answered("A", 0, [1, 0], "test")
    history = pd.DataFrame({"net": ["A"], "seed": 0, "iteration": [1], "seconds": [1.0]})
    with pytest.raises(InputError, match=r"splits\.validation: .* found none") as error:
        judging(search.search)(history, clean, split_of(clean, "test"), labels={})
    assert "\n" not in str(error.value)
