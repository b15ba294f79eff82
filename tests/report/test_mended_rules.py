"""The mended rules of Szegedy et al. 2013 on made-up tables, and where the old ones were misled."""

import re

import numpy as np
import pandas as pd
import pytest

from blindspots.config.claims import claims_in
from blindspots.report.verdicts import judged
from tests.conftest import ROOT

PAPER = claims_in(ROOT / "papers/szegedy2013/claims.yaml")
CLAIMS = {claim["claim"]: claim for claim in PAPER["claims"]}
OLD = {said["claim"]: said["old"] for said in PAPER["deviations"] if said["old"]}
NETS = ["FC10-1e-4", "FC10-1e-2", "FC10-1", "FC100-100-10", "FC200-200-10", "AE400-10"]
P1, WIDE, P2 = "FC100-100-10-P1", "FC123-456-10-P1", "FC100-100-10-P2"


def table(cells, unit="points", half=0.2):
    """Return a result table from figures by row and column; a column alone is the mean."""
    rows = [
        {
            "row": row, "column": column, "row_label": row, "column_label": column, "unit": unit,
            "value": value, "low": value - half, "high": value + half, "interval": "student",
            "text": None, "n": 10_000, "networks": 5, "paper": np.nan,
        }
        for (row, column), value in cells.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def only(**figures):
    """Return a table of effects; names of rows have _ for spaces."""
    return table({(row.replace("_", " "), "mean"): value for row, value in figures.items()})


def words(claim, **tables):
    """Return the verdicts by a claim's old rule and by its new one; names have _ for hyphens."""
    named = {name.replace("_", "-"): frame for name, frame in tables.items()}

    def read(run, name):
        return named.get(name) if run == "paper" else None

    return judged(OLD[claim], read).word, judged(CLAIMS[claim], read).word


def found(first):
    """Return the claim whose sentence begins so."""
    (claim,) = (claim for claim in CLAIMS if claim.startswith(first))
    return claim


@pytest.mark.parametrize(
    ("of_one", "mean", "expected"),
    [
        (100, 100, ("holds", "holds")),
        (94, 99.5, ("holds", "holds weakly")),  # one net of nine
        (50, 99.5, ("holds", "does not hold")),
        (99.9, 85, ("does not hold", "holds")),
    ],
)
def test_every_network_is_the_one_with_the_fewest_successes(of_one, mean, expected):
    models = table({(net, "success"): 99.9 for net in NETS}, "%", 0.05)
    halves = table({(P1, "success"): 99.9, (WIDE, "success"): of_one, (P2, "success"): 99.9},
                   "%", 0.05)  # fmt: skip
    effects = table({("success", "mean"): mean}, "%", 0.05)
    of = {"table1_10000": models, "table3_10000": halves, "effects_cross_model": effects}
    assert words(found("Every image of every network"), **of) == expected


@pytest.mark.parametrize(
    ("amplified", "expected"), [(100, ("holds", "holds")), (80, ("holds", "does not hold"))]
)
def test_a_net_is_always_wrong_on_its_own_examples_in_both_tables(amplified, expected):
    models = {(source, victim): 100.0 if source == victim else 5.0
              for source in NETS for victim in NETS}  # fmt: skip
    halves = {(f"{source}{more}", victim): 100.0 if source == victim else 5.0
              for source in (P1, WIDE, P2) for victim in (P1, WIDE, P2)
              for more in ("", " amplified to 0.1")}  # fmt: skip
    halves[f"{P2} amplified to 0.1", P2] = amplified
    of = {"table2_10000": table(models, "% error"), "table4_10000": table(halves, "% error")}
    assert words(found("On its own net"), **of) == expected


@pytest.mark.parametrize(
    ("least", "distortion", "expected"),
    [
        (97, 0.08, ("holds", "holds")),
        (60, 0.13, ("holds", "holds weakly")),
        (30, 0.13, ("holds", "does not hold")),  # as far as an image of another class, half the way
        (97, 0.25, ("does not hold", "holds")),  # images of other classes are twice as far
        (50, 0.08, ("holds", "undecided")),
    ],
)
def test_close_is_less_than_half_way_to_another_class(least, distortion, expected):
    cells = {(net, "close"): 99.0 for net in NETS} | {("FC10-1", "close"): least}
    effects = table({("largest distortion", "mean"): distortion}, "RMS per pixel", 0.001)
    of = {"closeness_cross_model_10000": table(cells, "%"), "effects_cross_model": effects}
    assert words(found("An adversarial example is close"), **of) == expected


def test_an_attack_that_succeeds_far_away_finds_nothing_nearby():
    for least, new in ((99.5, "holds"), (95, "holds weakly"), (20, "does not hold")):
        cells = {(P1, "close"): 99.9, (WIDE, "close"): least, (P2, "close"): 99.8}
        effects = table({("success", "mean"): 99.9}, "%", 0.05)
        of = {"closeness_cross_training_set_10000": table(cells, "%")}
        found_by = words(
            found("The set of adversarial examples"), effects_cross_training_set=effects, **of
        )
        assert found_by == ("holds", new)


@pytest.mark.parametrize(
    ("usual", "weakest", "expected"),
    [
        (25, 25, ("holds", "holds")),
        (5, 80, ("holds", "holds weakly")),  # one victim of six makes the mean
        (0, 80, ("holds", "does not hold")),
        (12, -30, ("holds weakly", "holds")),
    ],
)
def test_one_victim_makes_a_mean_but_no_median(usual, weakest, expected):
    pairs = {
        (f"{source} → {victim}", "noise"): float(weakest if victim == NETS[0] else usual)
        for source in NETS for victim in NETS if source != victim
    }  # fmt: skip
    mean = float(np.mean([*pairs.values()]))
    more = {("median over pairs", "noise"): float(np.median([*pairs.values()]))}
    of = {"excess_cross_model": table(pairs | more),
          "effects_cross_model": only(error_beyond_noise=mean)}  # fmt: skip
    assert words(found("A relatively large fraction fools networks with other"), **of) == expected


PAIRS = [(P1, WIDE), (WIDE, P1), (P1, P2), (WIDE, P2), (P2, P1), (P2, WIDE)]


@pytest.mark.parametrize(
    ("same", "other", "expected"),
    [
        (20, 12, ("holds", "holds")),
        (40, 3, ("holds", "holds weakly")),  # all of it within P1
        (40, 0, ("holds", "does not hold")),
        (0, 15, ("holds weakly", "holds")),
    ],
)
def test_only_pairs_with_disjoint_training_sets_tell_of_other_data(same, other, expected):
    is_same = [source[-2:] == victim[-2:] for source, victim in PAIRS]
    values = np.where(is_same, float(same), other)
    pairs = {(f"{a} → {b}", "noise"): v for (a, b), v in zip(PAIRS, values, strict=True)}
    of = {"excess_cross_training_set": table(pairs),
          "effects_cross_training_set": only(error_beyond_noise=values.mean())}  # fmt: skip
    assert words(found("A relatively large fraction fools networks trained"), **of) == expected


@pytest.mark.parametrize(
    ("same", "other", "before", "expected"),
    [(98, 40, 6, ("holds", "holds")), (98, 14, 6, ("holds", "holds weakly")),
     (98, 4, 3, ("holds", "does not hold")),
     (60, 60, 59, ("holds", "does not hold"))],  # they fooled as many before
)  # fmt: skip
def test_so_do_amplified_images(same, other, before, expected):
    pairs, excess = {}, []
    for source, victim in PAIRS:
        value = float(same if source[-2:] == victim[-2:] else other)
        pairs[f"{source} amplified to 0.1 → {victim}", "raw"] = value
        pairs[f"{source} → {victim}", "raw"] = before
        excess.append(value - 2)
    mean = table({("error beyond clean amplified to 0.1", "mean"): np.mean(excess)})
    of = {"excess_cross_training_set": table(pairs, "% error"), "effects_cross_training_set": mean}
    assert words(found("Amplified to 0.1 adversarial"), **of) == expected


@pytest.mark.parametrize(
    ("worst", "expected"),
    [(0.5, ("holds", "holds")), (2, ("holds", "holds weakly")), (9, ("holds", "does not hold"))],
)
def test_noise_is_judged_by_the_cell_that_it_harms_most(worst, expected):
    models = {
        (f"gaussian-{std} → {net}", "clean"): 0.1 for std in ("0.1", "0.3", "1") for net in NETS
    }
    models[("gaussian-1 → FC10-1", "clean")] = 70.0  # not printed
    models[("gaussian-0.3 → FC10-1e-4", "clean")] = worst
    halves = {
        (f"gaussian-{std} → {net}", "clean"): 0.2 for std in ("0.06", "0.1")
        for net in (P1, WIDE, P2)
    }  # fmt: skip
    of = {"excess_cross_model": table(models), "excess_cross_training_set": table(halves)}
    effects = table({("error by gaussian-0.1", "mean"): 0.2})
    assert words(found("Noise hardly"), effects_cross_training_set=effects, **of) == expected


def test_noise_that_harms_one_net_more_than_is_printed_is_found():
    claim = CLAIMS[found("On noisy images no net errs more often")]

    def tables(clipped):
        models = {(f"gaussian-{std}", net): 10.0 for std in ("0.1", "0.3") for net in NETS}
        models[("gaussian-0.3", "FC100-100-10")] = 10.0 + clipped
        halves = {
            (f"gaussian-{std}", net): 2.5 for std in ("0.06", "0.1") for net in (P1, WIDE, P2)
        }
        return {"table2-10000": table(models, "% error").assign(paper=10.0),
                "table4-10000": table(halves, "% error").assign(paper=2.6)}  # fmt: skip

    for clipped, word in ((0, "holds"), (3, "holds"), (20, "does not hold")):
        made = tables(clipped)
        assert judged(claim, lambda run, name, made=made: made.get(name)).word == word


@pytest.mark.parametrize(
    ("pooled", "expected"),
    [(0.08, ("holds", "holds")), (0.0995, ("holds", "undecided")),
     (0.103, ("holds", "does not hold"))],
)  # fmt: skip
def test_the_noise_is_longer_only_where_the_whole_interval_says_so(pooled, expected):
    rows = [net for net in NETS if net != "FC10-1"]
    means = table({(net, "distortion"): 0.09 for net in rows}, "RMS per pixel")
    lengths = {(net, "pooled distortion"): 0.06 for net in rows} | {
        ("FC10-1e-2", "pooled distortion"): pooled, ("FC10-1", "pooled distortion"): 0.14,
    }  # fmt: skip
    of = {"table2_10000": means.assign(low=np.nan, high=np.nan, interval=None),
          "closeness_cross_model_10000": table(lengths, "RMS per pixel", 0.001)}  # fmt: skip
    assert words(found("The root mean square"), **of) == expected


@pytest.mark.parametrize(
    ("in_the_box", "isotropic", "of_halves", "expected"),
    [(20, 0.3, 0.3, ("does not hold", "holds")), (0.3, 0.3, 0.3, ("holds", "holds")),
     (0.3, 5, 0.3, ("holds", "does not hold")), (0.3, 0.3, 5, ("holds", "does not hold"))],
)  # fmt: skip
def test_noise_of_equal_length_is_not_clipped(in_the_box, isotropic, of_halves, expected):
    made = only(
        error_by_noise_in_the_box_of_equal_length=in_the_box,
        error_by_noise_of_equal_length=isotropic,
    )
    halves = only(error_by_noise_of_equal_length=of_halves)
    of = {"effects_cross_model": made, "effects_cross_training_set": halves}
    assert words(found("Noise of the size of the perturbations"), **of) == expected


def test_errors_beyond_noise_are_beyond_that_noise():
    pairs = {
        (f"{net} → AE400-10", column): value for net in NETS[:-1]
        for column, value in (("noise", 9.0), ("noise in the box", -2.0))
    } | {("median over pairs", "noise"): -50.0}  # fmt: skip
    claim = found("The autoencoder's net is not immune")
    assert words(claim, excess_cross_model=table(pairs)) == ("does not hold", "holds")


@pytest.mark.parametrize(
    ("mean", "least", "expected"),
    [(13, -6, ("holds", "does not hold")),  # FC10(1) is harder, FC10(1e-4) far easier
     (13, 7, ("holds", "holds")), (13, 0.1, ("holds", "undecided"))],
)  # fmt: skip
def test_the_hardest_victim_is_harder_than_each_other_one(mean, least, expected):
    rows = {"advantage of AE400-10": mean, "least advantage of AE400-10": least}
    made = table({(row, "mean"): value for row, value in rows.items()})
    claim = found("Examples are hardest to transfer")
    assert words(claim, effects_cross_model=made) == expected


def test_units_are_judged_by_one_endpoint_over_both_nets():
    rows = {"over all": 0.02, "LeNet-ReLU/10/matched": 0.02, "LeNet-sigmoid/10/matched": 0.01}
    claim = CLAIMS[found("Single units of the higher layers")]
    for over_all, word in ((0.02, "holds"), (0.09, "does not hold"), (0.045, "undecided")):
        made = table({(row, "purity"): x for row, x in (rows | {"over all": over_all}).items()},
                     "", 0.01)  # fmt: skip
        read = {"differences": made}.get
        assert judged(claim, lambda run, name, read=read: read(name)).word == word
        assert judged(OLD[claim["claim"]], lambda run, name, read=read: read(name)).word == "holds"


def test_every_old_rule_has_a_test_here():
    text = (ROOT / "tests/report/test_mended_rules.py").read_text("utf-8")
    known = {found(start) for start in re.findall(r'found\("([^"]+)"\)', text)}
    assert {*OLD} <= known
