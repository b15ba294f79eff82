import numpy as np
import pandas as pd
import pytest

from blindspots.analyses import arms, kit
from blindspots.analyses.arms import MARGINS
from blindspots.analyses.unit_arms import unit_arms
from blindspots.analyses.unit_factors import unit_factors
from blindspots.analyses.units import units
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.measurements.units.tables import UNIT_ROTATIONS, UNITS
from blindspots.statistics import Interval

LABELS = {"A": "Net A", "B": "Net B"}


def frames(units=0.8, rotations=0.5, seeds=(0, 1, 2), nets=("A",), measure="purity", after=0.0):
    """Two layers of two directions each; one unit's value is above the mean, the other's below."""
    rng = np.random.default_rng(0)
    rows, drawn = [], []
    for net in nets:
        for seed in seeds:
            for layer, place in (("0", "before"), ("1", "after")):
                origin = {"net": net, "seed": seed, "trained": True, "layer": layer,
                          "scaling": "matched", "measure": measure}  # fmt: skip
                shift = 0.01 * seed + (after if place == "after" else 0)
                rows += [
                    origin | {"kind": "Linear", "place": place, "arm": arm, "direction": i,
                              "value": value + shift + (0.1 if i else -0.1), "reason": None,
                              "n": 50}
                    for arm, value in (("units", units), ("rotation", rotations))
                    for i in range(2)
                ]  # fmt: skip
                drawn += [
                    origin | {"rotation": i, "value": rotations + rng.normal(0, 0.02)}
                    for i in range(99)
                ]
    made = pd.DataFrame(rows), pd.DataFrame(drawn)
    schemas = UNITS, UNIT_ROTATIONS
    return [tables.from_frame(f, s).to_pandas() for f, s in zip(made, schemas, strict=True)]


def shown(evidence, show, **settings):
    found = units(*evidence, show=show, margins=MARGINS, labels=LABELS, **settings)
    tables.from_frame(found, kit.SCHEMA)
    return found.set_index("row_label").loc["Net A, layer 0 (Linear, before)"]


def test_the_difference_is_between_the_units_mean_and_that_of_their_rotations():
    evidence = frames()
    found = shown(evidence, "difference")
    means = evidence[1][evidence[1]["layer"] == "0"].groupby("seed")["value"].mean()
    expected = (0.8 + 0.01 * means.index - means).mean()
    assert found["value"] == pytest.approx(expected)
    assert (found["networks"], found["interval"], found["column"]) == (3, "student", "purity")
    spread = evidence[1][evidence[1]["layer"] == "0"].groupby("seed")["value"].std()
    effects = (0.8 + 0.01 * means.index - means) / spread
    assert shown(evidence, "effect")["value"] == pytest.approx(effects.mean())


def test_units_beyond_every_rotation_have_the_least_p_and_are_not_equal():
    assert shown(frames(), "rotation p")["value"] == 1 / 100
    assert shown(frames(), "equivalence p")["value"] > 0.95
    assert shown(frames(), "verdict")["text"] == "units more"


def test_where_less_means_more_the_verdict_is_turned_around():
    assert shown(frames(measure="entropy"), "verdict")["text"] == "units less"
    assert shown(frames(0.2, 0.5, measure="entropy"), "verdict")["text"] == "units more"
    assert shown(frames(0.2, 0.5), "verdict")["text"] == "units less"


def test_units_that_are_as_their_rotations_are_equal_within_the_margin_alone():
    evidence = frames(0.49, 0.5)
    assert shown(evidence, "verdict")["text"] == "equal"
    found = units(*evidence, margins=MARGINS | {"purity": 0.001}, labels=LABELS)
    assert set(found["text"]) == {"cannot tell"}


def test_one_network_gives_a_p_by_rotations_and_no_verdict():
    evidence = frames(seeds=(0,))
    assert shown(evidence, "verdict")["text"] == "cannot tell"
    assert shown(evidence, "rotation p")["value"] == 1 / 100
    assert shown(evidence, "equivalence p")["reason"] == "needs several networks (seeds)"


@pytest.mark.parametrize(
    ("interval", "rotation_p", "equivalence_p", "expected"),
    [
        ((0.1, 0.3), 0.01, 0.9, "units more"),
        ((0.1, 0.3), np.nan, 0.9, "units more"),
        ((0.1, 0.3), 0.2, 0.9, "cannot tell"),
        ((-0.1, 0.3), 0.01, 0.9, "cannot tell"),
        ((-0.3, -0.1), 0.01, 0.9, "units less"),
        ((0.01, 0.02), 0.01, 0.001, "equal"),
        ((np.nan, np.nan), 0.01, np.nan, "cannot tell"),
    ],
)
def test_the_verdict_is_by_rule(interval, rotation_p, equivalence_p, expected):
    assert arms.judged(Interval(*interval), rotation_p, equivalence_p) == expected


def test_the_accuracy_lost_is_set_against_the_rotation_that_was_projected_out():
    rows, rotations = frames(2.5, 0.5, measure="accuracy")
    found = shown((rows, rotations.iloc[:0]), "difference")
    assert found["value"] == pytest.approx(2)
    assert shown((rows, rotations.iloc[:0]), "effect")["reason"] == arms.NO_ROTATIONS
    assert shown((rows, rotations.iloc[:0]), "verdict")["text"] == "units more"
    without = rows[rows["arm"] == "units"]
    assert shown((without, rotations.iloc[:0]), "difference")["reason"] == arms.NO_ARM


def test_directions_without_a_value_are_left_out_and_none_with_one_gives_the_reason():
    rows, rotations = frames()
    first = (rows["arm"] == "units") & (rows["direction"] == 0) & (rows["layer"] == "0")
    rows.loc[first, ["value", "reason"]] = [np.nan, "dead unit"]
    assert shown((rows, rotations), "difference")["value"] == pytest.approx(0.4 + 0.01, abs=0.01)
    every = (rows["arm"] == "units") & (rows["layer"] == "0")
    rows.loc[every, "value"], rows.loc[every, "reason"] = np.nan, "dead unit"
    for show in ("difference", "effect", "verdict", "rotation p", "equivalence p"):
        found = shown((rows, rotations), show)
        assert pd.isna(found["value"]) and pd.isna(found["text"])
        assert found["reason"] == "dead unit"


def test_a_scaling_that_was_not_measured_is_named():
    with pytest.raises(InputError, match="scaling: expected one of matched, found 'raw'"):
        shown(frames(), "verdict", scaling="raw")


def test_each_arm_has_its_mean_over_directions_and_networks():
    found = unit_arms(frames()[0], labels=LABELS).set_index("row")
    cell = found.loc["A/0/matched/units"]
    assert cell["value"] == pytest.approx(0.81)
    assert (cell["networks"], cell["n"], cell["interval"]) == (3, 50, "student")
    label = found.loc["A/1/matched/rotation", "row_label"]
    assert label == "Net A, layer 1 (Linear, after): a rotation of the units"


def test_contrasts_are_differences_of_differences_seed_by_seed():
    rows, rotations = frames(nets=("A", "B"), after=0.1)
    rows.loc[(rows["net"] == "B") & (rows["arm"] == "units"), "value"] -= 0.25
    found = unit_factors(rows, rotations, labels=LABELS)
    found = found[found["column"] == "purity"].set_index("row")["value"]
    assert found["Net A: after less before"] == pytest.approx(0.1, abs=0.01)
    assert found["before: Net A less Net B"] == pytest.approx(0.25, abs=0.01)
    assert found["after: Net A less Net B"] == pytest.approx(0.25, abs=0.01)
    assert not any("untrained" in label for label in found.index)  # there is no control here


def test_contrasts_are_turned_where_less_means_more_interpretable():
    rows, rotations = frames(measure="entropy", after=0.1)
    found = unit_factors(rows, rotations, labels=LABELS)
    found = found[found["column"] == "entropy"].set_index("row")["value"]
    assert found["Net A: after less before"] == pytest.approx(-0.1, abs=0.01)


def test_contrasts_are_of_the_layers_that_have_a_value_for_every_seed():
    rows, rotations = frames(after=0.1)
    more, drawn = (of[of["layer"] == "1"].assign(layer="2") for of in (rows, rotations))
    more.loc[more["arm"] == "units", "value"] += 0.5
    more.loc[more["seed"] > 0, "value"] = None
    rows, rotations = pd.concat([rows, more]), pd.concat([rotations, drawn])
    found = unit_factors(rows, rotations, labels=LABELS)
    found = found[found["column"] == "purity"].set_index("row")["value"]
    assert found["Net A: after less before"] == pytest.approx(0.1, abs=0.01)


def test_the_p_of_several_networks_is_that_of_their_mean_among_the_means_of_their_own_draws():
    rows, rotations = frames(0.51, 0.5, seeds=(0, 1))
    wide = (rotations["seed"] == 1) & (rotations["layer"] == "0")
    rotations.loc[wide, "value"] += np.random.default_rng(1).normal(0, 0.3, wide.sum())
    of_layer = rotations[rotations["layer"] == "0"]
    draws = of_layer.pivot(index="rotation", columns="seed", values="value").mean(axis=1)
    value = rows[(rows["layer"] == "0") & (rows["arm"] == "units")]["value"].mean()
    every = np.append(draws, value)
    expected = (abs(every - every.mean()) >= abs(value - every.mean())).mean()
    assert shown((rows, rotations), "rotation p")["value"] == pytest.approx(expected)


def test_units_that_have_a_value_are_counted():
    rows, rotations = frames()
    first = (rows["arm"] == "units") & (rows["direction"] == 0) & (rows["layer"] == "0")
    rows.loc[first & (rows["seed"] == 0), ["value", "reason"]] = [np.nan, "dead unit"]
    assert shown((rows, rotations), "directions")["value"] == pytest.approx((1 + 2 + 2) / 3)


def test_rotations_that_are_all_alike_have_no_effect_and_say_so():
    rows, rotations = frames()
    found = shown((rows, rotations[rotations["rotation"] == 0]), "effect")
    assert pd.isna(found["value"]) and found["reason"] == arms.NO_SPREAD
