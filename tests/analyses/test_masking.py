"""Signs of masked gradients, planted and counted by hand."""

import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import errors, kit
from blindspots.analyses.masking import MANY, NEARER, PROBABILITIES, signs, warnings
from blindspots.files import tables
from blindspots.interface import Status
from blindspots.threat.answers import CLEAN
from tests.analyses.test_summaries import answers, attacks
from tests.evidence import judging

N = 20
NO_CLEAN = tables.frame([], CLEAN)


def made_for_b(wrong, distortion, **named):
    """N images made for B and shown to A, of which the first `wrong` fool A."""
    fooled = np.arange(N) < wrong
    return answers("B", "A", fooled, distortion=distortion, **named)


def found(own, shown, **asked):
    rows = judging(signs)(own, shown, **asked).to_dict("records")
    return {row["net"]: (row["n"], row["vanished"], row["beaten"]) for row in rows}


def test_images_of_others_that_fool_where_the_own_attack_failed_are_counted():
    own = attacks("A", [None] * 15 + [0.01] * 5)
    assert found(own, made_for_b(12, 0.3)) == {"A": (20, 0, 12)}
    noise = answers(None, "A", np.arange(N) < 3, attack="noise", distortion=0.5)
    assert found(own, noise) == {"A": (20, 0, 3)}
    amplified = made_for_b(7, 0.5, amplified=0.5)
    assert found(own, pd.concat([noise, amplified])) == {"A": (20, 0, 7)}


def test_images_that_were_asked_to_leave_the_box_show_nothing():
    own = attacks("A", [None] * 15 + [0.2] * 5)
    noise = answers(None, "A", np.arange(N) < 3, attack="noise", distortion=0.5)
    clipped = answers(None, "A", np.arange(N) < 1, attack="clipped noise", distortion=0.5)
    amplified, as_found = made_for_b(7, 0.5, amplified=0.5), made_for_b(5, 0.4)
    shown = pd.concat([noise, clipped, amplified, as_found])
    for asked, beaten in (
        ({}, 7),
        ({"attacks": ["noise"]}, 7),
        ({"experiments": ["another"]}, 7),
        ({"experiments": ["e"]}, 5),  # as found, other nets' images stay in it
        ({"experiments": ["e"], "attacks": ["noise", "lbfgs"]}, 1),
    ):
        assert found(own, shown, unclipped=asked) == {"A": (20, 0, beaten)}
    told = judging(warnings)(own, noise, NO_CLEAN, unclipped={"attacks": ["noise"]})
    assert told.empty and len(judging(warnings)(own, noise, NO_CLEAN)) == 1


def test_a_nearer_image_of_another_counts_where_it_is_much_nearer():
    own = attacks("A", [0.2] * N)
    assert found(own, made_for_b(9, 0.2 * NEARER - 1e-6)) == {"A": (20, 0, 9)}
    assert found(own, made_for_b(9, 0.2 * NEARER + 1e-6)) == {"A": (20, 0, 0)}


def test_where_a_target_was_reached_another_image_must_reach_it_too():
    own = attacks("A", [0.2] * N, target=3, answer=3)
    assert found(own, made_for_b(9, 0.1)) == {"A": (20, 0, 0)}  # they reach 2
    assert found(own, made_for_b(9, 0.1).replace({"prediction": {2: 3}})) == {"A": (20, 0, 9)}


def test_images_that_the_net_gets_wrong_unaltered_say_nothing():
    for target in (None, 3):
        own = attacks("A", [None] * N, wrong=8, target=target)
        assert found(own, made_for_b(12, 0.3)) == {"A": (12, 0, 4)}


def test_its_own_images_and_those_of_other_seeds_are_not_others():
    own = attacks("A", [None] * N)
    others = pd.concat([answers("A", "A", [1] * N), made_for_b(9, 0.1).assign(victim_seed=1)])
    assert found(own, others) == {"A": (20, 0, 0)}


def test_an_attack_that_takes_no_gradient_shows_none_masked():
    assert found(attacks("A", [None] * N).assign(backwards=0), made_for_b(12, 0.3)) == {}


@pytest.mark.parametrize(("vanished", "warns"), [(0, False), (1, False), (2, True), (20, True)])
def test_gradients_that_vanish_at_a_tenth_of_the_images_are_warned_of(vanished, warns):
    own = attacks("A", [None] * N)
    own.loc[own["index"] < vanished, "status"] = Status.GRADIENT_VANISHED.name
    assert MANY * N == 2
    told = judging(warnings)(own, made_for_b(0, 0.1), NO_CLEAN)
    texts = [f"gradients masked: zero at {vanished} of 20 images"] if warns else []
    assert told["text"].tolist() == texts


def test_one_image_alone_is_no_sign():
    assert judging(warnings)(attacks("A", [None]), answers("B", "A", [1]), NO_CLEAN).empty


def test_a_table_has_a_warning_for_the_net_and_no_such_column_without_any():
    own = pd.concat([attacks("A", [None] * N), attacks("B", [0.1] * N)])
    clean = pd.concat([own.assign(prediction=1)[["net", "seed", "dataset", "file", "index", "label",
                                                 "prediction"]]])  # fmt: skip
    split = clean[["seed", "dataset", "file", "index"]].drop_duplicates().assign(subset="test")
    given = {"parts": ["test"], "labels": {"A": "net A"}}
    table = judging(errors.errors)(clean, split, own, made_for_b(12, 0.3), **given)
    tables.from_frame(table, kit.SCHEMA)
    told = table[table["column"] == "warning"].set_index("row_label")["text"]
    assert told.to_dict() == {
        "net A": "gradients masked: transferred or noisy images do better on 12 of 20"
    }
    table = judging(errors.errors)(clean, split, own, made_for_b(0, 0.3), **given)
    assert "warning" not in set(table["column"])


def test_a_net_that_returns_probabilities_is_warned_of_under_an_attack_without_gradients():
    own = pd.concat([attacks(net, [0.1] * 4).assign(backwards=0) for net in "ABC"])
    clean = own[["net", "seed", "file", "index", "label", "prediction"]]
    odd = (clean["net"] == "B") & (clean["index"] == 3)
    clean = clean.assign(probabilities=clean["net"].isin(["A", "B"]) & ~odd)
    told = judging(warnings)(own, made_for_b(0, 0.1), clean).set_index("row")["text"]
    assert told.to_dict() == {"A": PROBABILITIES}
