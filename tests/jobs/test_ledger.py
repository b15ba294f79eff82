"""The ledger by hand: witnesses and lower bounds in each norm, and the bounds that it refuses."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import kit
from blindspots.analyses import ledger as summary
from blindspots.files import tables
from blindspots.jobs import ledger
from blindspots.measurements.transfer import TRANSFER
from blindspots.threat.answers import CLEAN
from blindspots.threat.outcomes import NO_CLASS, outcomes

NOT_SHOWN, NO_CLEAN = tables.frame([], TRANSFER), tables.frame([], CLEAN)
"""Empty tables of answers."""

IMAGE = {"net": "A", "seed": 0, "dataset": "D", "file": "test"}
SHAPE = (3, 2, 2)
FEATURES = 12


class Unaltered:
    """Images in which every feature can change by 1."""

    shape = SHAPE

    def reach(self, index):
        return np.ones((len(index), *SHAPE))


def attack(index, l2, target=None, name="one", success=True, answer=9, **given):
    answer = answer if target is None or not success else target
    wrong = success and answer not in (0, NO_CLASS)
    return IMAGE | {
        "label": 0, "prediction": 0, "attacked_prediction": answer, "status": "CONVERGED",
        "index": index, "attack": name, "target": target, "success": success, "l2": l2,
        "l0": 4, "l0_features": 12, "l1": l2, "linf": l2, "distortion": l2, "backwards": 1,
        "mistaken": wrong, "certain": wrong, "inside": True,
    } | given  # fmt: skip


def certificate(index, radius, name="product", **given):
    return IMAGE | {"index": index, "certificate": name, "radius": radius} | given


def answer(index, label=0, prediction=0):
    outcome = outcomes(np.array([prediction]), np.array([label]))[0]
    return IMAGE | {"index": index, "label": label, "prediction": prediction, "outcome": outcome}


def every(attacks, certificates, clean):
    """Return the whole ledger by image, norm, goal and target (−1: any)."""
    frame = pd.DataFrame(attacks).astype({"target": "Int16"})
    names = [*certificate(0, 0.0)] if not certificates else None
    radii = pd.DataFrame(certificates, columns=names)
    built = ledger.build(frame, radii, pd.DataFrame(clean), {("D", 0, "test"): Unaltered()})
    tables.from_frame(built, ledger.SCHEMA)  # fits its schema
    return built.assign(aim=built["target"].fillna(-1)).set_index(["index", "norm", "goal", "aim"])


def build(attacks, certificates, clean):
    """Return the ledger's rows in L2, by image and goal."""
    return every(attacks, certificates, clean).xs("l2", level="norm").droplevel("aim")


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


def test_an_image_that_is_wrong_already_is_its_own_witness_in_every_norm():
    built = every([attack(0, 2.0, 3)], [certificate(0, 0.0)], [answer(0, prediction=5)])
    rows = built.xs("any", level="goal")
    assert (rows["upper"] == 0).all() and len(rows) == len(ledger.NORMS)
    assert rows["attack"].isna().all()
    assert built.xs((0, "l2", "target"))["upper"].tolist() == [2.0]


def test_a_failed_attack_bounds_nothing_and_a_missing_certificate_is_null():
    built = build(
        [attack(0, np.nan, success=False, target=3), attack(1, 1.0)],
        [certificate(0, 0.2)],
        [answer(0), answer(1)],
    )
    assert pd.isna(built.loc[(0, "any"), "upper"])
    assert built.loc[(0, "any"), "lower"] == 0.2
    assert pd.isna(built.loc[(0, "target"), "upper"])  # it was asked for
    assert pd.isna(built.loc[(1, "any"), "lower"])


def test_noise_that_does_not_fool_bounds_nothing_and_neither_does_a_tie():
    tie = attack(1, 1.0, mistaken=False, certain=False)
    built = build([attack(0, 1.0, answer=0), tie], [certificate(0, 2.0)], [answer(0), answer(1)])
    assert built["upper"].isna().all()


def test_a_witness_that_was_not_aimed_reaches_the_targets_that_others_were_asked_for():
    found = [
        attack(0, 2.0, 3),
        attack(0, 1.0, answer=3, name="noise"),
        attack(0, 0.5, answer=3, name="near a tie", certain=False),
        attack(0, 0.4, answer=4),
    ]
    built = every(found, [], [answer(0)])
    assert built.loc[(0, "l2", "any", -1), "upper"] == 0.4
    row = built.loc[(0, "l2", "target", 3)]
    assert (row["upper"], row["attack"]) == (1.0, "noise")
    assert (0, "l2", "target", 4) not in built.index  # nobody asked


def test_every_witness_counts_in_every_norm_by_its_own_length():
    near = {"l0": 4, "l0_features": 12, "l1": 5.0, "l2": 1.0, "linf": 0.3}
    sparse = {"l0": 1, "l0_features": 2, "l1": 3.0, "l2": 2.0, "linf": 1.9}
    found = [attack(0, **near, name="near"), attack(0, **sparse, name="sparse")]
    built = every(found, [], [answer(0)]).xs((0, "any", -1), level=["index", "goal", "aim"])
    assert built["upper"].to_dict() == {
        "l0": 1, "l0_features": 2, "l1": 3.0, "l2": 1.0, "linf": 0.3,
    }  # fmt: skip
    assert built["attack"].to_dict() == {
        "l0": "sparse", "l0_features": "sparse", "l1": "sparse", "l2": "near", "linf": "near",
    }  # fmt: skip


TABLE = {
    "l1": {"l1": 1, "l2": 1 / np.sqrt(FEATURES), "linf": 1 / FEATURES},
    "l2": {"l1": 1, "l2": 1, "linf": 1 / np.sqrt(FEATURES)},
    "linf": {"l1": 1, "l2": 1, "linf": 1},
    "l0": {"l0": 1, "l0_features": 1},
}


@pytest.mark.parametrize("norm", TABLE)
def test_a_certificate_counts_where_it_follows_and_is_never_rounded_up(norm):
    radius = 2.0 if norm == "l0" else 0.7
    built = every([attack(1, 1.0)], [certificate(0, radius, norm=norm, box=True)],
                  [answer(0), answer(1)])  # fmt: skip
    lower = built.xs((0, "any", -1), level=["index", "goal", "aim"])["lower"]
    for wanted, factor in TABLE[norm].items():
        assert lower[wanted] == pytest.approx(radius * factor, rel=1e-15)
        assert lower[wanted] <= radius * factor
    if norm == "l0":
        assert lower[["l1", "l2", "linf"]].isna().all()


@pytest.mark.parametrize(
    ("norm", "radius", "pixels", "features"),
    [
        ("l1", 2.9, 1, 3), ("l1", 3.0, 1, 3), ("l1", 3.1, 2, 4), ("l2", 1.7, 1, 3),
        ("l2", 1.8, 2, 4), ("linf", 1.0, 1, 1), ("linf", 1.1, np.inf, np.inf),
        ("l2", 0.0, 0, 0), ("l2", np.inf, np.inf, np.inf), ("l1", 12.1, np.inf, np.inf),
    ],
)  # fmt: skip
def test_a_radius_says_how_many_pixels_must_change_in_the_box(norm, radius, pixels, features):
    built = every([attack(1, 1.0)], [certificate(0, radius, norm=norm, box=True)],
                  [answer(0), answer(1)])  # fmt: skip
    lower = built.xs((0, "any", -1), level=["index", "goal", "aim"])["lower"]
    assert (lower["l0"], lower["l0_features"]) == (pixels, features)


def test_images_without_channels_have_no_row_of_features(monkeypatch):
    monkeypatch.setattr(Unaltered, "shape", (1, 12))
    monkeypatch.setattr(Unaltered, "reach", lambda self, index: np.ones((len(index), 1, 12)))
    built = every([attack(0, 1.0)], [certificate(0, 0.5)], [answer(0)])
    assert set(built.index.get_level_values("norm")) == {"l0", "l1", "l2", "linf"}


def test_a_certificate_above_a_found_perturbation_ends_the_run():
    with pytest.raises(ledger.LedgerError, match=r"net A \(seed 0\), image 7 of test"):
        build([attack(7, 1.0, 2)], [certificate(7, 1.5)], [answer(7)])


def test_an_image_that_refutes_a_certificate_unaltered_is_named_as_such():
    shown = [answer(7, prediction=3)]
    with pytest.raises(ledger.LedgerError, match=r"above 0 \(the image itself\)"):
        build([attack(7, 1.0), attack(8, 1.0)], [certificate(7, 0.5)], shown)


def test_a_certificate_that_is_refuted_in_another_norm_ends_the_run():
    found = attack(7, 1.0, name="theirs", linf=0.2, l0=1)
    for norm, radius in (("linf", 0.21), ("l1", 2.5), ("l0", 2)):
        with pytest.raises(ledger.LedgerError, match=r"\(product\) above .* \(theirs\); one of"):
            build([found], [certificate(7, radius, norm=norm, box=True)], [answer(7)])


def test_images_outside_the_box_refute_what_was_proved_without_it_and_are_no_witnesses():
    outside = attack(7, 1.0, name="unclipped", inside=False)
    for given, refuted in (
        ({}, True), ({"box": False, "norm": "l2"}, True), ({"box": True, "norm": "l2"}, False),
    ):  # fmt: skip
        built = build([outside], [certificate(7, 0.9, **given)], [answer(7)])
        assert pd.isna(built.loc[(7, "any"), "upper"])
        if refuted:
            with pytest.raises(ledger.LedgerError, match=r"above 1 \(unclipped\)"):
                build([outside], [certificate(7, 1.1, **given)], [answer(7)])
        else:
            build([outside], [certificate(7, 1.1, **given)], [answer(7)])


def test_a_certificate_for_one_target_bounds_that_target_alone():
    radii = [certificate(0, 0.5, target=pd.NA), certificate(0, 0.9, "for 3", target=3)]
    built = every([attack(0, 2.0, 4)], radii, [answer(0)]).xs((0, "l2"))
    assert built["lower"].tolist() == [0.5, 0.9, 0.5]  # any, 3, 4
    with pytest.raises(ledger.LedgerError, match="for 3"):
        every([attack(0, 0.8, answer=3)], radii, [answer(0)])
    every([attack(0, 0.8, answer=4)], radii, [answer(0)])


def test_a_certificate_of_a_region_bounds_no_ball():
    radii = [certificate(0, 0.5, region=None), certificate(0, 3.0, region="rotation")]
    assert build([attack(0, 2.0)], radii, [answer(0)])["lower"].tolist() == [0.5]


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


def test_a_rejected_answer_is_no_witness_and_a_rejected_image_is_not_wrong():
    built = build(
        [attack(0, 1.0, answer=NO_CLASS), attack(1, 2.0, answer=NO_CLASS), attack(1, 3.0)],
        [certificate(0, 0.5)],
        [answer(0, prediction=NO_CLASS), answer(1)],
    )
    assert pd.isna(built.loc[(0, "any"), "upper"])
    assert built.loc[(1, "any"), "upper"] == 3.0
    assert "target" not in built.index.get_level_values("goal")


def summarised(attacks, certificates, answers=None):
    clean = pd.DataFrame(answers or [answer(row["index"]) for row in attacks])
    built = every(attacks, certificates, clean).reset_index()
    frame = pd.DataFrame(attacks).drop(columns="prediction")
    frame = frame.merge(clean[["index", "outcome"]], on="index").assign(prediction=0)
    frame = frame.assign(attacked_outcome=outcomes(frame["attacked_prediction"].to_numpy(),
                                                   np.zeros(len(frame))))  # fmt: skip
    found = summary.ledger(built, frame, NOT_SHOWN, NO_CLEAN, labels={"A": "net A"})
    tables.from_frame(found, kit.SCHEMA)
    return found.set_index("column")


def test_the_summary_says_why_a_net_has_no_certified_radius():
    cell = summarised([attack(0, 1.0)], [failed(0)]).loc["certified"]
    assert np.isnan(cell["value"]) and cell["reason"] == "no bound"


def test_the_summary_is_over_images_that_are_right_and_bounded_on_both_sides():
    attacks = [attack(i, l2, answer=1) for i, l2 in enumerate([1.0, 2.0, 4.0, 64.0])]
    found = summarised(
        attacks,
        [certificate(0, 0.5), certificate(1, 0.5), certificate(2, 0.0)],
        [answer(0), answer(1), answer(2, prediction=3), answer(3, prediction=NO_CLASS)],
    )
    assert found["value"][["found", "certified", "looseness"]].tolist() == [1.5, 0.5, 3.0]
    assert found["value"]["success"] == 100
    assert found["value"]["rejected"] == 25
    assert found.loc[["success", "found"], "n"].tolist() == [2, 2]
    assert found["value"]["certified linf"] == pytest.approx(0.5 / np.sqrt(FEATURES))
    assert found["value"]["found linf"] == 1.5
    assert found["value"]["certified l0"] == 1


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
