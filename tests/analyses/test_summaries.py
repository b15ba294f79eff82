"""The summary tables, recomputed by hand on tiny frames."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import errors, kit, layers, training, transfer
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.measurements.layers import LIPSCHITZ, not_bounded
from blindspots.measurements.transfer import TRANSFER
from blindspots.report.summaries import printable
from blindspots.threat.outcomes import NO_CLASS
from tests.evidence import judging

NOT_SHOWN = tables.frame([], TRANSFER)
"""An empty table of answers of other nets."""


def fits(summary):
    tables.from_frame(summary, kit.SCHEMA)
    return summary.set_index(["row", "column"])


def test_errors_and_distortions_by_hand():
    clean = pd.DataFrame(
        {
            "net": "A", "seed": 0, "dataset": "D", "file": ["train"] * 4 + ["test"] * 2,
            "index": [0, 1, 2, 3, 0, 1], "label": 1, "prediction": [1, 2, 1, 1, 2, 2],
        }
    )  # fmt: skip
    split = clean[["seed", "dataset", "file", "index"]].assign(
        subset=["P1", "P1", "P2", "validation", "test", "test"]
    )
    found = attacks("A", [0.0, 0.1, 0.3, None], wrong=1)
    parts = ["train", "P1", "P2", "test"]
    summary = fits(
        judging(errors.errors)(clean, split, found, NOT_SHOWN, parts=parts, labels={"A": "net A"})
    )
    assert summary.loc[("A", "train"), "value"] == pytest.approx(100 / 3)
    assert summary.loc[("A", "P1"), "value"] == 50
    assert summary.loc[("A", "P2"), "value"] == 0
    assert summary.loc[("A", "test"), ["value", "n"]].tolist() == [100, 2]
    # The image that was wrong already does not count; the one that was not fooled is reported.
    assert summary.loc[("A", "success"), ["value", "n"]].tolist() == pytest.approx([200 / 3, 3])
    assert summary.loc[("A", "distortion"), ["value", "n"]].tolist() == pytest.approx([0.2, 2])
    assert summary.loc[("A", "distortion"), "text"] == "0.200 (2 of 3)"
    assert summary.loc[("A", "pooled distortion"), "value"] == pytest.approx(np.sqrt(0.05))
    assert "test rejected" not in summary.index.get_level_values("column")
    assert summary.loc[("A", "test"), "row_label"] == "net A"


def test_the_chosen_average_of_distortions_is_the_one_with_the_papers_figure():
    clean = pd.DataFrame({"net": "A", "seed": 0, "dataset": "D", "file": "test",
                          "index": range(4), "label": 1, "prediction": [2, 1, 1, 1]})  # fmt: skip
    split = clean[["seed", "dataset", "file", "index"]].assign(subset="test")
    found = attacks("A", [0.0, 0.1, 0.3, None], wrong=1)
    given = (clean, split, found, NOT_SHOWN)
    mean, root = pytest.approx(0.2), pytest.approx(np.sqrt((0.1**2 + 0.3**2) / 2))
    for average, chosen, other in (("mean", mean, root), ("pooled", root, mean)):
        settings = {"parts": ["test"], "average": average, "labels": {}}
        summary = kit.beside(
            judging(errors.errors)(*given, **settings), {"A": {"distortion": 0.25}}
        ).set_index(["row", "column"])
        left = "pooled" if average == "mean" else "mean"
        cell, beside = (summary.loc[("A", name)] for name in ("distortion", f"{left} distortion"))
        assert (cell["column_label"], cell["value"], cell["paper"]) == (
            f"{average} distortion", chosen, 0.25,
        )  # fmt: skip
        assert (beside["value"], beside["n"], cell["n"]) == (other, 2, 2)
        assert np.isnan(beside["paper"])
        assert f"{average} distortion" not in summary.index.get_level_values("column")


@pytest.mark.parametrize("average", ["mean", "pooled"])
def test_transfer_shows_the_chosen_average_over_the_same_images(average):
    lengths = np.array([0.1, 0.2, 0.4, 0.7])
    frame = pd.concat(
        [
            answers("A", "A", [1, 1, 1, 0], distortion=lengths),
            answers("A", "B", [1, 0, 0, 0], amplified=0.2, distortion=2 * lengths),
            answers(None, "B", [0, 0, 0, 0], attack="noise", distortion=lengths),
        ]
    )
    summary = fits(judging(transfer.transfer)(frame, average=average, labels={}))
    of = np.mean if average == "mean" else lambda x: np.sqrt(np.mean(np.square(x)))
    for row, expected in (
        ("A", of(lengths[:3])),  # the fourth fooled no one
        ("A amplified to 0.2", of(2 * lengths)),
        ("noise", of(lengths)),
    ):
        assert summary.loc[(row, "distortion"), "value"] == pytest.approx(expected)
    label = {"mean": "distortion", "pooled": "pooled distortion"}[average]
    assert (summary.xs("distortion", level="column")["column_label"] == label).all()


def attacks(net, distortions, wrong=0, target=None, answer=2, seed=0):
    """Rows of attacked images of label 1, the first `wrong` wrong unaltered; None: a failure."""
    n, success = len(distortions), np.array([d is not None for d in distortions])
    return pd.DataFrame(
        {
            "net": net, "seed": seed, "attack": "closest", "dataset": "D", "file": "test",
            "index": range(n),
            "label": 1, "target": pd.array([target] * n, "Int16"), "status": "CONVERGED",
            "prediction": np.where(np.arange(n) < wrong, 2, 1), "success": success,
            "attacked_prediction": np.where(success, answer, 1), "backwards": 1,
            "distortion": np.array(distortions, float),
        }
    )  # fmt: skip


def answers(source, victim, wrong, amplified=None, attack="lbfgs", seed=0, distortion=0.1):
    n = len(wrong)
    return pd.DataFrame(
        {
            "experiment": "e", "source": [source] * n, "attack": attack, "seed": seed,
            "amplified_to": np.nan if amplified is None else amplified, "victim": victim,
            "victim_seed": seed, "dataset": "D", "file": "test", "index": range(n), "label": 1,
            "prediction": 1 + np.array(wrong),
            "success": True, "distortion": distortion,
        }
    )  # fmt: skip


def test_transfer_by_hand_with_controls_and_amplified_images():
    frame = pd.concat(
        [
            answers("A", "A", [1, 1, 1, 1]),
            answers("A", "B", [1, 0, 0, 0]),
            answers("A", "B", [1, 1, 0, 0], amplified=0.2, distortion=0.19),
            answers(None, "B", [0, 0, 0, 0, 1], attack="gaussian-0.1", distortion=0.08),
        ]
    )
    summary = fits(judging(transfer.transfer)(frame, labels={"A": "net A", "B": "net B"}))
    assert summary.loc[("A", "A"), "value"] == 100
    assert summary.loc[("A", "B"), "value"] == 25
    assert summary.loc[("A amplified to 0.2", "B"), "value"] == 50
    assert summary.loc[("A amplified to 0.2", "B"), "row_label"] == "net A amplified to 0.2"
    assert summary.loc[("gaussian-0.1", "B"), ["value", "n"]].tolist() == [20, 5]
    assert summary.loc[("A", "distortion"), ["value", "n"]].tolist() == [0.1, 4]
    assert summary.loc[("A amplified to 0.2", "distortion"), "value"] == pytest.approx(0.19)


def test_a_rejection_is_no_error_and_is_told_beside_it():
    clean = pd.DataFrame(
        {"net": ["A"] * 4 + ["B"] * 4, "seed": 0, "dataset": "D", "file": "test",
         "index": [0, 1, 2, 3] * 2, "label": 1,
         "prediction": [1, 2, NO_CLASS, NO_CLASS, 1, 1, 1, 2]}
    )  # fmt: skip
    split = clean[["seed", "dataset", "file", "index"]].drop_duplicates().assign(subset="test")
    found = attacks("A", [0.1, 0.2, None, None])
    summary = fits(
        judging(errors.errors)(clean, split, found, NOT_SHOWN, parts=["test"], labels={})
    )
    assert summary.loc[("A", "test"), "value"] == 25
    assert summary.loc[("A", "test rejected"), ["value", "n"]].tolist() == [50, 4]
    assert summary.loc[("B", "test rejected"), "value"] == 0
    shown = pd.concat(
        [answers(None, v, [0, 0, 0, 1], attack="noise").assign(prediction=p)
         for v, p in (("A", [NO_CLASS] * 4), ("B", [1, 1, 1, 2]))]
    )  # fmt: skip
    summary = fits(judging(transfer.transfer)(shown, labels={"A": "net A"}))
    assert summary.loc[("noise", "A"), "value"] == 0
    assert summary.loc[("noise", "A rejected"), "value"] == 100
    assert summary.loc[("noise", "A rejected"), "column_label"] == "net A rejected"
    assert summary.loc[("noise", "B"), "value"] == 25
    assert "B rejected" not in summary.index.get_level_values("column")


def test_noise_in_an_attacks_place_succeeds_where_the_net_errs():
    own = answers("A", "A", [1, 0, 0, 0], attack="gaussian")
    cell = fits(judging(transfer.transfer)(own, labels={})).loc[("A", "success")]
    assert cell["value"] == 25
    found = attacks("A", [0.1] * 4).assign(attacked_prediction=[2, 1, 1, 1])
    clean = own.assign(net="A", prediction=1)
    split = own[["seed", "dataset", "file", "index"]].assign(subset="test")
    summary = fits(
        judging(errors.errors)(clean, split, found, NOT_SHOWN, parts=["test"], labels={})
    )
    assert summary.loc[("A", "success"), "value"] == 25
    assert summary.loc[("A", "distortion"), "text"] == "0.100 (1 of 4)"


def test_success_towards_a_target_is_over_the_images_that_are_right_unaltered():
    found = attacks("A", [0.1, 0.2, None, 0.4], wrong=2, target=3, answer=3)
    clean = pd.DataFrame(
        {
            "net": "A",
            "seed": 0,
            "dataset": "D",
            "file": "test",
            "index": [0],
            "label": 1,
            "prediction": 1,
        }
    )
    split = clean[["seed", "dataset", "file", "index"]].assign(subset="test")
    summary = fits(
        judging(errors.errors)(clean, split, found, NOT_SHOWN, parts=["test"], labels={})
    )
    assert summary.loc[("A", "success"), ["value", "n"]].tolist() == [50, 2]


def test_seeds_are_averaged_and_counted():
    frame = pd.concat([answers("A", "B", [1, 0], seed=0), answers("A", "B", [1, 1], seed=1)])
    cell = fits(judging(transfer.transfer)(frame, labels={})).loc[("A", "B")]
    assert (cell["value"], cell["networks"], cell["n"]) == (75, 2, 2)


def test_failures_are_counted_over_all_seeds():
    frame = pd.concat([answers("A", "A", [1, 1], seed=0), answers("A", "A", [1, 1], seed=1)])
    frame.loc[(frame["seed"] == 1) & (frame["index"] == 0), ["success", "distortion"]] = [
        False,
        None,
    ]
    found = fits(judging(transfer.transfer)(frame, labels={}))
    assert found.loc[("A", "success"), ["value", "networks"]].tolist() == [75, 2]
    assert found.loc[("A", "distortion"), "text"] == "0.100 (3 of 4)"


def test_a_papers_figures_stand_beside_ours():
    frame = answers("FC10-1e-4", "FC10-1e-2", [1, 0])
    figures = {"FC10-1e-4": {"FC10-1e-2": 11.7, "distortion": 0.062}, "another": {"success": 1}}
    summary = fits(kit.beside(judging(transfer.transfer)(frame, labels={}), figures))
    assert summary.loc[("FC10-1e-4", "FC10-1e-2"), "paper"] == 11.7
    assert summary.loc[("FC10-1e-4", "distortion"), "paper"] == 0.062
    assert summary["paper"].notna().sum() == 2


def test_layers_of_bound_1_are_left_out():
    columns = ["layer", "kind", "inputs", "outputs", "bound", "product"]
    rows = [
        ("0", "Flatten", 4, 4, 1.0, 1.0),
        ("1", "Linear", 4, 3, 2.0, 2.0),
        ("2", "Sigmoid", 3, 3, 0.25, 0.5),
    ]
    frame = pd.DataFrame(rows, columns=columns).assign(net="A", seed=0)
    summary = fits(layers.layers(frame, labels={"A": "net A"}))
    assert summary.loc[("A:1", "bound"), "row_label"] == "net A: Linear 4 → 3"
    assert summary.loc[("A:2", "product"), "value"] == 0.5
    assert not any(row == "A:0" for row, _ in summary.index)


def test_a_net_that_has_no_bounds_has_a_row_that_says_why():
    place = {"net": "A", "seed": 0}
    told = tables.build(place | not_bounded((1, 2, 2), "layer '2': …"), LIPSCHITZ).to_pandas()
    summary = fits(layers.layers(told, labels={"A": "net A"}))
    assert summary["row_label"].tolist() == ["net A"] * 2
    assert summary["value"].isna().all() and (summary["reason"] == "layer '2': …").all()


def test_a_training_is_summed_up_by_its_last_row():
    columns = ["net", "seed", "iteration", "status", "loss", "gradient_norm"]
    rows = [
        ("A", 0, 0, None, 2.0, 1.0),
        ("A", 0, 10, "CONVERGED", 0.5, 0.1),
        ("A", 1, 0, None, 2.0, 1.0),
        ("A", 1, 30, "ITERATION_LIMIT", 0.7, 0.3),
    ]
    summary = fits(training.training(pd.DataFrame(rows, columns=columns), labels={}))
    assert summary.loc[("A", "iteration"), "value"] == 20
    assert summary.loc[("A", "loss"), "value"] == pytest.approx(0.6)
    assert summary.loc[("A", "converged"), ["value", "networks"]].tolist() == [50, 2]


def test_a_training_without_a_criterion_is_not_called_converged_or_not():
    columns = ["net", "seed", "iteration", "status", "loss"]
    rows = [("A", 0, 10, "COMPLETED", 0.5), ("B", 0, 10, "CONVERGED", 0.5)]
    summary = fits(training.training(pd.DataFrame(rows, columns=columns), labels={}))
    none = summary[summary["value"].isna()]
    assert set(none.index) == {("A", "converged"), ("A", "gradient_norm"), ("B", "gradient_norm")}
    assert none.loc[("A", "converged"), "reason"].startswith("not tested: ")
    assert set(none.xs("gradient_norm", level="column")["reason"]) == {
        "not recorded by this trainer"
    }
    heads = printable("t", "T", summary.reset_index()).columns
    assert heads == ["iterations", "loss", "gradient norm", "converged (%)"]


def test_a_rate_on_one_network_has_wilsons_interval_and_a_mean_over_networks_students():
    from scipy import stats

    one = pd.DataFrame({"row": ["A"], "unit": "% error", "value": [25.0], "n": [200], "seed": [0]})
    (cell,) = kit.over_seeds(one, ["row", "unit"]).to_dict("records")
    expected = stats.binomtest(50, 200).proportion_ci(method="wilson")
    assert (cell["low"], cell["high"]) == pytest.approx((100 * expected.low, 100 * expected.high))
    assert cell["interval"] == "wilson"
    three = pd.DataFrame({"row": "A", "unit": "% error", "value": [20.0, 25.0, 33.0], "n": 200})
    (cell,) = kit.over_seeds(three, ["row", "unit"]).to_dict("records")
    expected = stats.t(2, 26.0, stats.sem([20, 25, 33])).interval(0.95)
    assert (cell["low"], cell["high"]) == pytest.approx(expected)
    assert (cell["networks"], cell["interval"]) == (3, "student")


def test_an_interval_of_a_rate_over_networks_ends_at_0_and_at_100():
    rows = pd.DataFrame({"row": ["A"] * 3 + ["B"] * 3, "value": [0.0, 0.0, 1.0, 100, 100, 99]})
    rates, points = (
        kit.over_seeds(rows.assign(unit=unit, n=200), ["row", "unit"])
        for unit in ("% error", "points")
    )
    assert rates["low"][0] == 0 and rates["high"][1] == 100
    assert points["low"][0] < 0 and points["high"][1] > 100


@pytest.mark.parametrize(("rate", "wrong"), [(100.0, 256), (0.0, 0), (25.0, 64)])
def test_equal_rates_of_all_networks_have_the_exact_interval_of_the_images_of_one(rate, wrong):
    from scipy import stats

    rows = pd.DataFrame({"row": "A", "unit": "%", "value": rate, "n": [300, 256, 256]})
    (cell,) = kit.over_seeds(rows, ["row", "unit"]).to_dict("records")
    expected = stats.binomtest(wrong, 256).proportion_ci(method="exact")
    assert (cell["low"], cell["high"]) == pytest.approx((100 * expected.low, 100 * expected.high))
    assert (cell["networks"], cell["interval"]) == (3, "exact")
    shown = printable("t", "T", kit.cells(pd.DataFrame([cell | {"column": "c"}]), {}))
    assert "exact (Clopper–Pearson)" in shown.caption


def test_a_share_of_trainings_has_the_exact_interval_of_that_many_trainings():
    from scipy import stats

    for converged in (4, 5):
        values = [100.0] * converged + [0.0] * (5 - converged)
        rows = pd.DataFrame({"row": "A", "unit": "% of trainings", "value": values, "n": 0})
        (cell,) = kit.over_seeds(rows, ["row", "unit"]).to_dict("records")
        expected = stats.binomtest(converged, 5).proportion_ci(method="exact")
        ends = 100 * expected.low, 100 * expected.high
        assert (cell["low"], cell["high"]) == pytest.approx(ends)
        assert cell["interval"] == "trainings"


def test_values_that_are_all_equal_and_no_rates_have_no_interval():
    rows = pd.DataFrame({"row": "A", "unit": "", "value": [70.0] * 5, "n": 0})
    (cell,) = kit.over_seeds(rows, ["row", "unit"]).to_dict("records")
    assert cell["value"] == 70 and cell["networks"] == 5
    assert np.isnan([cell["low"], cell["high"]]).all() and pd.isna(cell["interval"])


def test_equal_differences_of_all_networks_have_the_widest_interval_of_one():
    rows = pd.DataFrame({
        "row": "A", "unit": "points", "value": 0.0, "n": 200, "interval": "paired",
        "low": [-1.0, -2.0], "high": [1.5, 1.0],
    })  # fmt: skip
    (cell,) = kit.over_seeds(rows, ["row", "unit"]).to_dict("records")
    assert (cell["low"], cell["high"], cell["interval"]) == (-2, 1.5, "paired")


def test_a_distortion_on_one_network_has_no_interval_and_nothing_has_a_reason():
    rows = pd.DataFrame(
        {"row": ["A", "B"], "unit": "RMS per pixel", "value": [0.1, np.nan], "n": [7, 0]}
    )
    first, second = kit.over_seeds(rows, ["row", "unit"]).to_dict("records")
    assert np.isnan(first["low"])
    assert second["reason"] == "nothing to average"
    rows["reason"] = [None, "no attack succeeded"]
    assert kit.over_seeds(rows, ["row", "unit"])["reason"].iloc[1] == "no attack succeeded"


def test_an_attacked_set_without_a_success_has_a_dash_with_its_reason():
    clean = pd.DataFrame(
        {
            "net": ["A", "B"],
            "seed": 0,
            "dataset": "D",
            "file": "test",
            "index": 0,
            "label": 1,
            "prediction": 1,
        }
    )
    split = clean[["seed", "dataset", "file", "index"]].drop_duplicates().assign(subset="test")
    found = pd.concat([attacks("A", [0.1]), attacks("B", [None]), attacks("C", [0.0], wrong=1)])
    summary = fits(
        judging(errors.errors)(clean, split, found, NOT_SHOWN, parts=["test"], labels={})
    )
    assert np.isnan(summary.loc[("C", "success"), "value"])
    assert (
        summary.loc[("C", "distortion"), "reason"] == "no unaltered image is classified correctly"
    )
    assert summary.loc[("A", "pooled distortion"), "value"] == pytest.approx(0.1)
    for column in ("distortion", "pooled distortion"):
        assert np.isnan(summary.loc[("B", column), "value"])
        assert summary.loc[("B", column), "reason"] == "no attack succeeded"
        assert summary.loc[("B", column), "n"] == 0
    failed = answers("A", "B", [0, 0]).assign(success=False, distortion=np.nan)
    cell = fits(judging(transfer.transfer)(failed, labels={})).loc[("A", "distortion")]
    assert cell["reason"] == "no attack succeeded"


def test_a_frame_with_the_columns_that_a_cell_needs_is_a_summary():
    frame = pd.DataFrame({"row": ["A"], "column": [3], "value": [0.5], "unit": "L2", "n": 4})
    cell = fits(kit.completed(frame, "tables.mine (my:own)")).loc[("A", "3")]
    assert cell[["row_label", "column_label", "networks"]].tolist() == ["A", "3", 1]
    assert cell[["low", "high", "interval", "text", "reason", "paper"]].isna().all()


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        (pd.DataFrame({"row": ["A"], "column": "B", "value": 1.0}), "no unit, no n"),
        (pd.DataFrame(columns=[*kit.NEEDED, "seed"]), "'seed' too"),
        ({"row": []}, "dict; return a pandas.DataFrame"),
    ],
)
def test_says_what_a_summary_lacks(summary, found):
    with pytest.raises(InputError, match=r"^tables.mine \(my:own\): expected .*, found " + found):
        kit.completed(summary, "tables.mine (my:own)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(unit=None), "lab:mine: column unit: expected no nulls, found 1"),
        (lambda t: t.assign(value="much"), "lab:mine: .*'much'.*; correct its table"),
        (lambda t: t.assign(n=1.5), "lab:mine: .*1.5.*; correct its table"),
        (lambda t: t.assign(value=[{"a": 1}]), "lab:mine: .*; correct its table"),
        (lambda t: t.assign(value=1j), "lab:mine: .*; correct its table"),
    ],
)
def test_a_table_of_ones_own_analysis_that_is_none_is_named(change, message):
    cell = {"row": "a", "column": "b", "value": 1.0, "unit": "%", "n": 2, "networks": 1}
    table = kit.cells(pd.DataFrame([cell]), {})
    assert kit.checked(table, "lab:mine")["value"].to_pylist() == [1.0]
    with pytest.raises(InputError, match=message):
        kit.checked(change(table), "lab:mine")
