import numpy as np
import pandas as pd
import pytest

from blindspots import tables
from blindspots.analyses import ledger

IMAGE = {"net": "A", "seed": 0, "file": "test"}


def attack(index, l2, target=None, name="one", success=True, answer=9):
    answer = answer if target is None else target
    return IMAGE | {
        "label": 0, "attacked_prediction": answer,
        "index": index, "attack": name, "target": target, "success": success, "l2": l2,
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
    summary = ledger.ledger(built, pd.DataFrame([attack(0, 1.0)]), labels={})
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
    summary = ledger.ledger(built.reset_index(), experiment, labels={"A": "net A"})
    values = summary.set_index("column")["value"]
    assert values["found"] == 1.5
    assert values["certified"] == 0.5
    assert values["looseness"] == 3.0
    assert set(summary["n"]) == {2}
