import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from blindspots.analyses import arms, kit
from blindspots.analyses._unit_tests import judged
from blindspots.analyses.arms import MARGINS
from blindspots.analyses.unit_arms import unit_arms
from blindspots.analyses.unit_factors import unit_factors
from blindspots.analyses.units import ONE_NETWORK, units
from blindspots.files import tables
from blindspots.files.parts import Parts
from blindspots.interface import InputError
from blindspots.measurements.units.tables import UNIT_ROTATIONS, UNITS
from blindspots.statistics import Interval, largest_mean

LABELS = {"A": "Net A", "B": "Net B"}


ROTATIONS = 999


def frames(
    units=0.8, rotations=0.5, seeds=(0, 1, 2), nets=("A",), measure="purity", after=0.0,
    count=ROTATIONS,
):  # fmt: skip
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
                    for i in range(count)
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
    assert shown(frames(), "rotation p")["value"] == 2 / 1000  # of two layers, by Holm
    assert shown(frames(), "rotation p", correct=False)["value"] == 1 / 1000
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
    assert shown(evidence, "rotation p")["value"] == 2 / 1000
    assert shown(evidence, "equivalence p")["reason"] == ONE_NETWORK


@pytest.mark.parametrize(
    ("interval", "difference_p", "equivalence_p", "expected"),
    [
        ((0.1, 0.3), 0.01, 0.9, "units more"),
        ((0.1, 0.3), np.nan, 0.9, "units more"),
        ((0.1, 0.3), 0.2, 0.9, "cannot tell"),
        ((-0.1, 0.3), 0.01, 0.9, "cannot tell"),
        ((-0.3, -0.1), 0.01, 0.9, "units less"),
        ((0.01, 0.02), 0.01, 0.001, "equal"),
        ((np.nan, np.nan), 0.01, np.nan, "cannot tell"),
        ((0.2, 0.2), 0.01, np.nan, "cannot tell"),  # all networks have the same difference
    ],
)
def test_the_verdict_is_by_rule(interval, difference_p, equivalence_p, expected):
    assert judged(Interval(*interval), difference_p, equivalence_p) == expected


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
    found = shown((rows, rotations), "rotation p", correct=False)
    assert found["value"] == pytest.approx(expected)


def test_units_that_have_a_value_are_counted():
    rows, rotations = frames()
    first = (rows["arm"] == "units") & (rows["direction"] == 0) & (rows["layer"] == "0")
    rows.loc[first & (rows["seed"] == 0), ["value", "reason"]] = [np.nan, "dead unit"]
    assert shown((rows, rotations), "directions")["value"] == pytest.approx((1 + 2 + 2) / 3)


def test_rotations_that_are_all_alike_have_no_effect_and_say_so():
    rows, rotations = frames()
    found = shown((rows, rotations[rotations["rotation"] == 0]), "effect")
    assert pd.isna(found["value"]) and found["reason"] == arms.NO_SPREAD


def many(nets=("A", "B"), layers=10, seeds=range(5), count=ROTATIONS, shift=None, spread=0.02):
    """Units that are one more rotation of their frame; `shift` is added to a net's layer "0"."""
    rng = np.random.default_rng(1)
    rows, drawn = [], []
    for net in nets:
        for seed in seeds:
            for layer in map(str, range(layers)):
                origin = {"net": net, "seed": seed, "trained": True, "layer": layer,
                          "scaling": "matched", "measure": "purity"}  # fmt: skip
                more = (shift or {}).get(net, 0) if layer == "0" else 0
                rows.append(origin | {"kind": "ReLU", "place": "after", "arm": "units",
                                      "direction": 0, "value": rng.normal(more, spread),
                                      "reason": None, "n": 50})  # fmt: skip
                drawn.append(
                    pd.DataFrame({"value": rng.normal(0, spread, count)}).assign(
                        rotation=range(count), **origin
                    )
                )
    return pd.DataFrame(rows), pd.concat(drawn, ignore_index=True)


PRIMARY = {"layer": "0", "measure": "purity"}


def by_row(evidence, show, **settings):
    found = units(*evidence, show=show, primary=PRIMARY, labels=LABELS, **settings)
    tables.from_frame(found, kit.SCHEMA)
    return found.set_index("row")


def test_cells_beside_the_primary_ones_are_corrected_together_and_it_is_not():
    evidence = many(layers=4)
    for show in ("rotation p", "equivalence p"):
        one_by_one, together = (by_row(evidence, show, correct=of) for of in (False, True))
        alone = [f"{net}/0/matched" for net in "AB"]
        assert one_by_one.loc[alone, "value"].equals(together.loc[alone, "value"])
        rest = one_by_one.index.difference([*alone, kit.OVER_ALL])
        expected = multipletests(one_by_one.loc[rest, "value"], method="holm")[1]
        assert together.loc[rest, "value"].to_numpy() == pytest.approx(expected)
        assert together.loc[alone, "text"].str.endswith(" (primary)").all()
        assert together.loc[rest, "text"].isna().all()
        assert one_by_one.loc[rest, "text"].str.endswith(" (uncorrected)").all()


def test_a_measure_without_rotations_is_corrected_among_the_others_by_students_p():
    rows, rotations = many(layers=3)
    once = rows.assign(arm="rotation", value=0.0)
    lost = pd.concat([rows.assign(value=rows["value"] + 0.03), once]).assign(measure="accuracy")
    found = units(pd.concat([rows, lost]), rotations, labels=LABELS, show="rotation p")
    p = found.set_index(["row", "column"])["value"]
    single = units(pd.concat([rows, lost]), rotations, labels=LABELS, show="rotation p",
                   correct=False).set_index(["row", "column"])["value"]  # fmt: skip
    differences = units(pd.concat([rows, lost]), rotations, labels=LABELS, show="difference")
    of_accuracy = lost[lost["arm"] == "units"].groupby(["net", "layer"])["value"].apply(list)
    students = [stats.ttest_1samp(values, 0).pvalue for values in of_accuracy]
    of_purity = single.xs("purity", level="column")
    expected = multipletests([*of_purity, *students], method="holm")[1][: len(of_purity)]
    assert p.xs("purity", level="column").to_numpy() == pytest.approx(expected)
    assert len(differences) == 12


def test_a_true_hypothesis_among_many_is_seldom_rejected_after_correction():
    evidence = many(nets=("A",), layers=20, seeds=range(3))
    counts = {}
    for correct in (True, False):
        found = units(*evidence, labels=LABELS, correct=correct, show="rotation p")
        counts[correct] = (found["value"] <= 0.05).sum()
    assert counts[True] == 0


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [
        ({}, "equal"),
        ({"A": 0.2}, "units more"),
        ({"A": 0.2, "B": 0.2}, "units more"),
        ({"A": -0.2}, "units less"),
        ({"A": 0.2, "B": -0.2}, "cannot tell"),
        ({"A": 0.05}, "cannot tell"),
    ],
)
def test_the_verdict_over_all_joins_the_nets(shift, verdict):
    evidence = many(layers=2, shift=shift)
    assert by_row(evidence, "verdict").loc[kit.OVER_ALL, "text"] == verdict


def test_the_difference_over_all_is_the_largest_of_a_net_with_its_interval():
    evidence = many(layers=2, shift={"A": 0.02})
    cell = by_row(evidence, "difference").loc[kit.OVER_ALL]
    rows = evidence[0][evidence[0]["layer"] == "0"].set_index(["net", "seed"])["value"]
    drawn = evidence[1][evidence[1]["layer"] == "0"].groupby(["net", "seed"])["value"].mean()
    values = rows - drawn
    samples = [values[net].to_numpy() for net in "AB"]
    assert cell["value"] == pytest.approx(max(of.mean() for of in samples))
    assert cell[["low", "high"]].tolist() == pytest.approx(list(largest_mean(samples)))
    assert (cell["interval"], cell["networks"], cell["column"]) == ("extreme", 5, "purity")
    p = by_row(evidence, "rotation p")["value"]
    expected = min(1, 2 * p[["A/0/matched", "B/0/matched"]].min())
    assert p[kit.OVER_ALL] == pytest.approx(expected)
    p = by_row(evidence, "equivalence p")["value"]
    assert p[kit.OVER_ALL] == p[["A/0/matched", "B/0/matched"]].max()


def test_where_less_means_more_interpretable_the_difference_over_all_is_the_least():
    rows, rotations = (of.assign(measure="entropy") for of in many(layers=2, shift={"A": -0.4}))
    primary = PRIMARY | {"measure": "entropy"}
    found = units(rows, rotations, labels=LABELS, primary=primary, show="difference")
    cell = found.set_index("row").loc[kit.OVER_ALL]
    assert cell["low"] < cell["value"] < cell["high"] < -0.3
    verdict = units(rows, rotations, labels=LABELS, primary=primary).set_index("row")
    assert verdict.loc[kit.OVER_ALL, "text"] == "units more"


def test_a_net_without_a_value_leaves_the_primary_endpoint_without_one():
    rows, rotations = many(layers=2)
    at = (rows["net"] == "B") & (rows["layer"] == "0")
    rows.loc[at, ["value", "reason"]] = [np.nan, "dead unit"]
    for show in ("verdict", "difference", "rotation p", "equivalence p"):
        cell = by_row((rows, rotations), show).loc[kit.OVER_ALL]
        assert pd.isna(cell["value"]) and pd.isna(cell["text"]) and cell["reason"] == "dead unit"


def test_a_net_with_a_value_on_one_network_alone_leaves_the_primary_endpoint_undecided():
    rows, rotations = many(layers=2)
    at = (rows["net"] == "B") & (rows["layer"] == "0") & (rows["seed"] > 0)
    rows.loc[at, ["value", "reason"]] = [np.nan, "dead unit"]
    assert by_row((rows, rotations), "verdict").loc["A/0/matched", "text"] == "equal (primary)"
    assert by_row((rows, rotations), "verdict").loc[kit.OVER_ALL, "text"] == "cannot tell"
    assert np.isnan(by_row((rows, rotations), "equivalence p").loc[kit.OVER_ALL, "value"])


def test_networks_that_are_all_equal_say_nothing_of_others():
    def of_one(rows):
        first = rows[rows["seed"] == 0]
        return pd.concat([first.assign(seed=seed) for seed in range(3)], ignore_index=True)

    evidence = [of_one(rows) for rows in many(layers=2)]
    texts = by_row(evidence, "verdict")["text"]
    assert {text.removesuffix(" (primary)") for text in texts} == {"cannot tell"}
    joined = by_row(evidence, "difference").loc[kit.OVER_ALL, ["value", "low", "high"]]
    assert joined.notna().tolist() == [True, False, False]
    p = by_row(evidence, "equivalence p")
    assert p["value"].isna().all() and p["reason"].eq(ONE_NETWORK).all()


def test_p_values_of_equivalence_need_no_rotations_to_be_corrected():
    few = many(layers=3, count=20)
    with pytest.raises(InputError, match="expected at least 999 rotations"):
        by_row(few, "verdict")
    single = by_row(few, "equivalence p", correct=False)["value"]
    rest = [f"{net}/{layer}/matched" for net in "AB" for layer in (1, 2)]
    expected = multipletests(single[rest], method="holm")[1]
    assert by_row(few, "equivalence p").loc[rest, "value"].to_numpy() == pytest.approx(expected)


def test_untrained_nets_are_neither_shown_nor_corrected_for_if_so_asked():
    rows, rotations = many(layers=2)
    both = [pd.concat([of, of.assign(trained=False)]) for of in (rows, rotations)]
    expected = units(rows, rotations, labels=LABELS)
    assert units(*both, labels=LABELS, untrained=False).equals(expected)
    assert len(units(*both, labels=LABELS)) == 2 * len(expected)


@pytest.mark.parametrize(
    ("evidence", "primary", "message"),
    [
        (
            lambda: many(layers=1, count=998), None,
            "unit_rotations: expected at least 999 rotations for p values corrected for 2 cells, "
            "found 998; raise rotations in the measurement, measure fewer layers, or set correct: "
            "false",
        ),
        (
            lambda: many(nets=("A",), layers=60, count=1198), None,
            "unit_rotations: expected at least 1199 rotations for p values corrected for 60 cells, "
            "found 1198;",
        ),
        (
            lambda: many(layers=2), {"layer": "fc7", "measure": "purity"},
            r"primary: expected a measure of a layer of trained nets \(0, 1\), found purity of "
            "'fc7'; change the table",
        ),
    ],
)  # fmt: skip
def test_too_few_rotations_and_an_unknown_primary_endpoint_are_named(evidence, primary, message):
    with pytest.raises(InputError, match=message):
        units(*evidence(), labels=LABELS, primary=primary)


def test_the_primary_cells_do_not_count_among_those_corrected_for():
    evidence = many(nets=("A",), layers=60, count=1179)
    assert len(units(*evidence, labels=LABELS, primary=PRIMARY)) == 61
    with pytest.raises(InputError, match="at least 1199"):
        units(*evidence, labels=LABELS)


def test_rotations_that_are_read_part_by_part_give_the_same_table(tmp_path):
    rows, rotations = many(layers=3)
    whole = by_row((rows, rotations), "verdict"), by_row((rows, rotations), "difference")
    path = tmp_path / "rotations.parquet"
    tables.write(path, tables.from_frame(rotations, UNIT_ROTATIONS), {})
    for show, expected in zip(("verdict", "difference"), whole, strict=True):
        parts = Parts([path], most=2500)
        assert by_row((rows, parts), show).equals(expected)
