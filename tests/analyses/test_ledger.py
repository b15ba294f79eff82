import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import kit, ledger
from blindspots.files import tables
from blindspots.measurements.transfer import TRANSFER
from blindspots.threat.outcomes import REJECTED

NOT_SHOWN = tables.frame([], TRANSFER)
"""No answers of other nets."""

IMAGE = {"net": "A", "seed": 0, "dataset": "D", "file": "test"}


def attack(index, l2, target=None, name="one", success=True, answer=9):
    answer = answer if target is None else target
    return IMAGE | {
        "label": 0, "prediction": 0, "attacked_prediction": answer, "status": "CONVERGED",
        "index": index, "attack": name, "target": target, "success": success, "l2": l2,
        "distortion": l2, "backwards": 1,
    }  # fmt: skip


def certificate(index, radius, name="product"):
    return IMAGE | {"index": index, "certificate": name, "radius": radius}


def answer(index, label=0, prediction=0):
    return IMAGE | {"index": index, "label": label, "prediction": prediction}


def build(attacks, certificates, clean):
    frame = pd.DataFrame(attacks)
    frame["target"] = frame["target"].astype("Int16")
    built = ledger.build(frame, pd.DataFrame(certificates), pd.DataFrame(clean))
    tables.from_frame(built, ledger.SCHEMA)  # fits its schema
    return built.set_index(["index", "goal"])


def test_the_best_bounds_win():
    built = build(
        [attack(0, 2.0, 3), attack(0, 1.5, 3, "two"), attack(0, 1.0, 4, "three")],
        [certificate(0, 0.1), certificate(0, 0.3, "tighter")],
        [answer(0)],
    )
    row = built.loc[(0, "any")]
    assert (row["upper"], row["attack"]) == (1.0, "three")
    assert (row["lower"], row["certificate"]) == (0.3, "tighter")
    targeted = built.loc[[(0, "target")]].set_index("target")
    assert targeted.loc[3, "upper"] == 1.5
    assert targeted.loc[4, "upper"] == 1.0
    assert (targeted["lower"] == 0.3).all()


def test_an_image_that_is_wrong_already_is_its_own_witness():
    built = build([attack(0, 2.0, 3)], [certificate(0, 0.0)], [answer(0, prediction=5)])
    row = built.loc[(0, "any")]
    assert row["upper"] == 0.0
    assert pd.isna(row["attack"])
    assert built.loc[[(0, "target")]]["upper"].tolist() == [2.0]


def test_a_failed_attack_bounds_nothing_and_a_missing_certificate_is_null():
    built = build(
        [attack(0, np.nan, success=False), attack(1, 1.0)],
        [certificate(0, 0.2)],
        [answer(0), answer(1)],
    )
    assert pd.isna(built.loc[(0, "any"), "upper"])
    assert built.loc[(0, "any"), "lower"] == 0.2
    assert pd.isna(built.loc[(1, "any"), "lower"])


def test_noise_that_does_not_fool_bounds_nothing():
    built = build([attack(0, 1.0, answer=0)], [certificate(0, 2.0)], [answer(0)])
    assert pd.isna(built.loc[(0, "any"), "upper"])


def test_a_certificate_above_a_found_perturbation_ends_the_run():
    with pytest.raises(ledger.LedgerError, match=r"net A \(seed 0\), image 7 of test"):
        build([attack(7, 1.0, 2)], [certificate(7, 1.5)], [answer(7)])


def failed(index, reason="no bound"):
    return certificate(index, np.nan, "left out") | {"reason": reason}


def test_a_certificate_that_failed_bounds_nothing_and_says_why_where_none_did():
    built = build(
        [attack(0, 1.0), attack(1, 1.0)],
        [failed(0), certificate(0, 0.2), failed(1)],
        [answer(0), answer(1)],
    )
    row = built.loc[(0, "any")]
    assert (row["lower"], row["certificate"]) == (0.2, "product") and pd.isna(row["reason"])
    row = built.loc[(1, "any")]
    assert pd.isna(row["lower"]) and pd.isna(row["certificate"]) and row["reason"] == "no bound"


def test_the_summary_says_why_a_net_has_no_certified_radius():
    built = build([attack(0, 1.0)], [failed(0)], [answer(0)]).reset_index()
    summary = ledger.ledger(built, pd.DataFrame([attack(0, 1.0)]), NOT_SHOWN, labels={})
    (cell,) = summary[summary["column"] == "certified"].to_dict("records")
    assert np.isnan(cell["value"]) and cell["reason"] == "no bound"


def test_the_summary_is_over_images_that_are_right_and_bounded_on_both_sides():
    attacks = [attack(i, l2, 1) for i, l2 in enumerate([1.0, 2.0, 4.0, 64.0])]
    built = build(
        attacks,
        [certificate(0, 0.5), certificate(1, 0.5), certificate(2, 0.0), certificate(3, 1.0)],
        [answer(0), answer(1), answer(2, prediction=3), answer(3)],
    )
    experiment = pd.DataFrame(attacks[:3])  # image 3 is another experiment's
    summary = ledger.ledger(built.reset_index(), experiment, NOT_SHOWN, labels={"A": "net A"})
    values = summary.set_index("column")["value"]
    assert values["found"] == 1.5
    assert values["certified"] == 0.5
    assert values["looseness"] == 3.0
    assert values["success"] == 100
    assert set(summary["n"]) == {2}


def test_a_rejected_answer_is_no_witness_and_a_rejected_image_is_not_wrong():
    built = build(
        [attack(0, 1.0, answer=REJECTED), attack(1, 2.0, answer=REJECTED), attack(1, 3.0)],
        [certificate(0, 0.5)],
        [answer(0, prediction=REJECTED), answer(1)],
    )
    assert pd.isna(built.loc[(0, "any"), "upper"])
    assert built.loc[(1, "any"), "upper"] == 3.0
    assert "target" not in built.index.get_level_values("goal")


def summarised(attacks, certificates):
    built = build(attacks, certificates, [answer(row["index"]) for row in attacks])
    found = ledger.ledger(built.reset_index(), pd.DataFrame(attacks), NOT_SHOWN, labels={})
    tables.from_frame(found, kit.SCHEMA)
    return found.set_index("column")


@pytest.mark.parametrize("bounded", [True, False])
def test_medians_count_an_image_that_nothing_fooled_as_infinite(bounded):
    failed = [attack(i, np.nan, success=False, answer=0) for i in range(3)]
    radii = [certificate(i, 0.5) for i in range(4)] if bounded else [certificate(9, 0.5)]
    found = summarised([*failed, attack(3, 1.0)], radii)
    assert found.loc["success", "value"] == 25
    assert found.loc["found", "text"] == "> half not fooled"
    assert found[["n"]].iloc[:4]["n"].tolist() == [4] * 4
    if bounded:
        assert found.loc["certified", "value"] == 0.5
        assert found.loc["looseness", "text"] == "> half not fooled"
    else:  # the net stays in the table
        assert found.loc[["certified", "looseness"], "reason"].tolist() == ["no certificate"] * 2


def test_the_median_where_half_is_not_fooled_is_the_larger_of_the_others():
    failed = [attack(i, np.nan, success=False, answer=0) for i in range(2)]
    found = summarised([*failed, attack(2, 1.0), attack(3, 2.0)], [certificate(2, 0.5)])
    assert found.loc["success", "value"] == 50
    assert found.loc["found", "value"] == 1.0  # of the net's certified images
    found = summarised([*failed, attack(2, 1.0), attack(3, 2.0)], [certificate(9, 0.5)])
    assert found.loc["found", "value"] == 2.0
