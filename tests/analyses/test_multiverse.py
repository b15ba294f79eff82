"""Scores of readings, recomputed by SciPy on made-up runs and printed tables."""

from collections import Counter
from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from blindspots.analyses import kit
from blindspots.analyses.multiverse import shown
from blindspots.analyses.multiverse.multiverse import multiverse
from blindspots.analyses.multiverse.search import prices
from blindspots.analyses.multiverse.shown import NO_BREAK
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.predictive import between_nets
from blindspots.statistics import clopper_pearson
from tests.evidence import judging

N, CLEAN = 256, 1000
TRUNCATED, OUTLIERS = 0.2, 0.01  # the defaults
IMAGES = {"dataset": "D", "file": "test", "label": 1}


def answers(
    experiment, source, victim, wrong, *, lengths=0.1, seed=0, n=N, attack="lbfgs", to=None
):
    """Answers to n images of a source (None: a control), of which the victim gets `wrong` wrong."""
    return pd.DataFrame(
        {
            "experiment": experiment, "source": source, "attack": attack, "seed": seed,
            "amplified_to": to, "victim": victim, "victim_seed": seed, **IMAGES,
            "index": np.arange(n), "prediction": 1 + (np.arange(n) < wrong),
            "success": True, "distortion": lengths,
        }
    )  # fmt: skip


def unaltered(net, wrong, seed=0, n=CLEAN):
    index = np.arange(n)
    return pd.DataFrame({"net": net, "seed": seed, **IMAGES, "index": index,
                         "prediction": 1 + (index < wrong)})  # fmt: skip


def scored(transfer, printed, under, clean=(), **settings):
    """Result by row and column, with plain spaces."""
    clean = pd.concat(clean) if len(clean) else unaltered("none", 0)
    keys = ["seed", "dataset", "file", "index"]
    split = clean[keys].drop_duplicates().assign(subset="test")
    given = {
        "shows": {"table2": ["*"]}, "images": N, "stands_for": {}, "answers": {}, "labels": {},
    }  # fmt: skip
    found = judging(multiverse)(
        pd.concat(transfer), clean, split, printed=printed, under=under, **given | settings
    )
    tables.from_frame(found, kit.SCHEMA)
    found["text"] = found["text"].str.replace(NO_BREAK, " ")
    return found.set_index(["row", "column"])


def printed_as(value, decimals, cut):
    """Return the figure, in units of its last digit, that a value is printed as: half is up."""
    return floor(Fraction(value) * 10**decimals + (0 if cut else Fraction(1, 2)))


def mixed(probability, flat):
    """Return the score of a figure, from functions of whether it is truncated."""
    total = 0
    for cut, share in ((False, 1 - TRUNCATED), (True, TRUNCATED)):
        total += share * ((1 - OUTLIERS) * probability(cut) + OUTLIERS * flat(cut))
    return np.log(total)


def score_of_share(figure, decimals, mass):
    """Return the score of a printed share, from the probabilities (n + 1,) of its count."""
    n = len(mass) - 1
    place = round(figure * 10**decimals)

    def among(weights, cut):
        as_printed = [printed_as(Fraction(100 * k, n), decimals, cut) for k in range(n + 1)]
        return weights[np.array(as_printed) == place].sum()

    return mixed(
        lambda cut: among(mass, cut), lambda cut: among(np.full(n + 1, 1 / (n + 1)), cut)
    )  # fmt: skip


def beta_binomial(n, wrong, of):
    return stats.betabinom(n, wrong + 0.5, of - wrong + 0.5).pmf(np.arange(n + 1))


def score_of_length(figure, decimals, student):
    unit, place = 10.0**-decimals, round(figure * 10**decimals)

    def low(cut):
        return (place - (0 if cut else 0.5)) * unit

    return mixed(lambda cut: np.diff(student.cdf([low(cut), low(cut) + unit]))[0], lambda cut: unit)


ONE = {"table2": {"A": {"B": 30.1}}}


def test_the_score_of_an_error_is_the_beta_binomial_probability_that_it_is_printed_so():
    two = [answers("one", "A", "B", 70), answers("two", "A", "B", 90)]
    found = scored(two, ONE, {"one": "as printed", "two": "clip: no"})
    expected = {
        "as printed": score_of_share(30.1, 1, beta_binomial(N, 70, N)),
        "clip: no": score_of_share(30.1, 1, beta_binomial(N, 90, N)),
    }
    for reading, score in expected.items():
        assert found.loc[(reading, "all score"), "value"] == pytest.approx(score)


def test_a_cell_that_fits_under_every_reading_is_left_out_of_the_score_and_the_ranks():
    def run(two):
        counts = {"one": (70, 20), "two": (two, 25)}
        given = [
            answers(name, *pair, count)
            for name, of in counts.items()
            for pair, count in zip(("AB", "BA"), of, strict=True)
        ]
        found = scored(given, printed, {"one": "as printed", "two": "clip: no"})
        rows = [*found.index.get_level_values("row").unique()]
        return rows, found["value"], found["text"]

    printed = {"table2": {"A": {"B": 30.1}, "B": {"A": 9.8}}}  # 77 and 25 of 256
    for two in (77, 120):  # the first cell fits under both readings, or under one
        rows, values, texts = run(two)
        score = {  # 0 where no cell discriminates
            row: score_of_share(30.1, 1, beta_binomial(N, count, N)) * (two == 120)
            for row, count in (("as printed", 70), ("clip: no", two))
        }
        assert texts["as printed", "discriminating"] == f"{int(two == 120)} of {int(two == 120)}"
        for row, its in score.items():
            assert values[row, "table2 score"] == pytest.approx(its)
            assert values[row, "discriminating score"] == pytest.approx(its)
            assert values[row, "behind"] == pytest.approx(its - max(score.values()))
        assert rows == ["as printed", "clip: no"]  # though the second has the more probable prints
        assert (values["clip: no", "all score"] > values["as printed", "all score"]) == (two == 77)


def test_among_other_numbers_of_images_the_prediction_is_of_these():
    run = [answers("one", None, "B", 12, attack="gaussian-0.1", n=100)]
    printed = {"table2": {"gaussian-0.1": {"B": 10}}}
    images = {"*": 5, "gaussian-*": 7, "table2/gaussian-0.1": 1000}  # the longest name
    found = scored(run, printed, {"one": "as printed"}, images=images)
    expected = score_of_share(10, 0, beta_binomial(1000, 12, 100))
    assert found.loc[("as printed", "all score"), "value"] == pytest.approx(expected)
    with pytest.raises(InputError) as error:
        scored(run, printed, {"one": "as printed"}, images={"A": 256})
    assert str(error.value) == (
        "images: expected a number for every printed row, found none for table2/gaussian-0.1; add "
        'one for "*", all others'
    )


def test_errors_on_unaltered_images_are_on_as_many_as_ours_or_on_the_same():
    run, clean = [answers("one", "A", "A", N)], [unaltered("A", 67)]
    printed = {"table1": {"A": {"test": 6.7}}}
    given = {"errors_of": {"table2": "table1"}}
    found = scored(run, printed, {"one": "as printed"}, clean, **given)
    expected = score_of_share(6.7, 1, beta_binomial(CLEAN, 67, CLEAN))
    assert found.loc[("as printed", "all score"), "value"] == pytest.approx(expected)
    found = scored(run, printed, {"one": "as printed"}, clean, same_images=["test"], **given)
    expected = score_of_share(6.7, 1, np.arange(CLEAN + 1) == 67)
    assert found.loc[("as printed", "all score"), "value"] == pytest.approx(expected)


@pytest.mark.parametrize("seeds", [1, 2])
def test_the_score_of_a_length_is_students_for_each_average(seeds):
    lengths = [0.1 + 0.02 * np.sin(np.arange(N) + seed) for seed in range(seeds)]
    run = [answers("one", "A", "A", N, lengths=of, seed=s) for s, of in enumerate(lengths)]
    printed = {"table2": {"A": {"distortion": 0.1}}}
    settings = {"averages": ["mean", "pooled"], "length_spread": {"A": 0.05}}
    found = scored(run, printed, {"one": "as printed"}, **settings)
    values = np.concatenate(lengths)
    for average, mean, variance in (
        ("mean", values.mean(), values.var(ddof=1)),
        ("pooled", (root := np.sqrt((values**2).mean())), (values**2).var(ddof=1) / (4 * root**2)),
    ):
        error = np.sqrt(variance * (1 / len(values) + 1 / N) + (0.05 * mean) ** 2 * (1 + 1 / seeds))
        expected = score_of_length(0.1, 1, stats.t(len(values) - 1, mean, error))
        row = f"as printed, average: {average}"
        assert found.loc[(row, "all score"), "value"] == pytest.approx(expected)


def test_a_label_that_says_the_average_is_scored_with_it_alone():
    run = [answers(name, "A", "A", N, lengths=0.1 + 0.01 * (np.arange(N) % 2)) for name in "xy"]
    under, printed = {"x": "as printed", "y": "average: pooled"}, {"table2": {"A": {"A": 100}}}
    found = scored(run, printed, under, averages=["mean", "pooled"])
    assert sorted(found.index.get_level_values("row").unique()) == [
        "as printed, average: mean", "as printed, average: pooled", "average: pooled",
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["average: pooled", "average: median", "c: average"])
def test_no_reading_is_left_out_whatever_its_label_says_of_the_average(label):
    run = [answers(name, "A", "A", N) for name in "xy"]
    found = scored(run, {"table2": {"A": {"A": 100}}}, {"x": "as printed", "y": label})
    assert [*found.index.get_level_values("row").unique()] == ["as printed", label]


def test_the_spread_of_rows_without_one_is_estimated_from_nets_of_three_seeds():
    wrong = {"A": (40, 60, 90), "B": (20, 22, 50)}
    run = [
        answers("one", source, "B" if source == "A" else "A", count, seed=seed)
        for source, counts in wrong.items()
        for seed, count in enumerate(counts)
    ]
    printed = {"table2": {"A": {"B": 20.3}, "B": {"A": 12.1}}}
    # the same by hand: logits with half an error more, and their variances by the images
    cells = [(np.array(counts) + 0.5, N - np.array(counts) + 0.5) for counts in wrong.values()]
    spread = between_nets((np.log(a / b), 1 / a + 1 / b) for a, b in cells)
    assert spread > 0.1
    estimated = scored(run, printed, {"one": "as printed"})
    given = scored(run, printed, {"one": "as printed"}, spread={"*": spread})
    none = scored(run, printed, {"one": "as printed"}, spread={"table2/*": 0})
    at = ("as printed", "all score")
    assert estimated.loc[at, "value"] == pytest.approx(given.loc[at, "value"], rel=1e-12)
    expected = sum(
        score_of_share(figure, 1, beta_binomial(N, sum(counts), 3 * N))
        for figure, counts in ((20.3, wrong["A"]), (12.1, wrong["B"]))
    )
    assert none.loc[at, "value"] == pytest.approx(expected)
    two = scored([rows for rows in run if rows["seed"].iloc[0] < 2], printed, {"one": "as printed"})
    expected = sum(
        score_of_share(figure, 1, beta_binomial(N, sum(counts[:2]), 2 * N))
        for figure, counts in ((20.3, wrong["A"]), (12.1, wrong["B"]))
    )
    assert two.loc[at, "value"] == pytest.approx(expected)


@pytest.fixture
def run():
    """Two nets under the run's reading and two others; one has other nets and noise, one no noise.

    The printed figures are those of the run's reading, except a length and the noise on B.
    """
    noise = "gaussian-0.1"
    transfer = [
        *(answers("one", s, v, N if s == v else 77) for s in "AB" for v in "AB"),
        *(answers("one", "A", v, 200, to=0.2, lengths=0.2) for v in "AB"),
        *(answers("one", None, v, 13, attack=noise) for v in "AB"),
        *(answers("two", f"{s}-x", f"{v}-x", N if s == v else 30) for s in "AB" for v in "AB"),
        *(answers("two", "A-x", f"{v}-x", 200, to=0.2, lengths=0.2) for v in "AB"),
        *(answers("two", None, f"{v}-x", 60, attack=f"{noise}-x") for v in "AB"),
        *(answers("three", s, v, N if s == v else 100) for s in "AB" for v in "AB"),
    ]
    clean = [unaltered(net, wrong) for net, wrong in
             (("A", 67), ("B", 67), ("A-x", 67), ("B-x", 160))]  # fmt: skip
    row = {"A": 100, "B": 30.1, "distortion": 0.1}
    printed = {
        "table1": {"A": {"test": 6.7, "train": 0}, "B": {"test": 6.7}},
        "table2": {
            "A": row, "A amplified to 0.2": {"B": 78.1}, "B": {"A": 30.1, "distortion": 0.3},
            noise: {"A": 5.1, "B": 99}, "elsewhere": {"A": 1},
        },
    }  # fmt: skip
    settings = {
        "under": {"one": "as printed", "two": "biases: none", "three": "clip: no"},
        "stands_for": {"A-x": "A", "B-x": "B", f"{noise}-x": noise},
        "answers": {"biases": "free"}, "labels": {"A": "Net A", "B": "Net B"},
        "errors_of": {"table2": "table1"}, "clean": clean,
    }  # fmt: skip
    return lambda **more: scored(transfer, printed, **settings | more)


CELLS = ["table1: A, test", "table1: B, test", "table2: A, A", "table2: A, B",
         "table2: A, distortion", "table2: A amplified to 0.2, B", "table2: B, A",
         "table2: B, distortion", "table2: gaussian-0.1, A", "table2: gaussian-0.1, B"]  # fmt: skip
"""Printed cells that the run has: it has no net for one row, and no images of the part "train"."""


def test_readings_are_shown_the_best_first_with_their_cells_by_table(run):
    found = run()
    rows = [*found.index.get_level_values("row").unique()]
    assert rows == ["as printed", "clip: no", "biases: none"]
    inside = {
        row: [found.loc[(row, t), "text"] for t in ("table1", "table2", "all")] for row in rows
    }
    assert inside == {
        "as printed": ["2 of 2", "6 of 8", "8 of 10"],
        "clip: no": ["2 of 2", "4 of 8", "6 of 10"],  # the noise is the run's
        "biases: none": ["1 of 2", "3 of 8", "4 of 10"],
    }
    # 4 cells fit under all, so 6 discriminate
    assert found.loc[("as printed", "discriminating"), "text"] == "4 of 6"
    assert found.loc[("as printed", "best"), "text"] == "Table 1, Table 2, discriminating cells"
    assert found.loc[("clip: no", "best"), "text"] == "Table 1"
    assert found.loc[("as printed", "behind"), "value"] == 0
    for row in rows:
        by_table = found.loc[[(row, "table1 score"), (row, "table2 score")], "value"]
        score = found.loc[(row, "discriminating score"), "value"]
        assert score == pytest.approx(by_table.sum())
        best_score = found.loc[("as printed", "discriminating score"), "value"]
        assert found.loc[(row, "behind"), "value"] == pytest.approx(score - best_score)


def test_cell_by_cell_the_printed_figure_is_beside_ours_under_every_reading(run):
    found = run(show="cells")
    assert [*found.index.get_level_values("row").unique()] == CELLS
    row = "table2: A, B"
    texts = {"paper": "30.1", "inside": "1 of 3", "as printed": "30.1 ✓", "clip: no": "39.1",
             "biases: none": "11.7"}  # fmt: skip
    assert {column: found.loc[(row, column), "text"] for column in texts} == texts
    assert found.loc[(row, "paper"), "row_label"] == "Table 2: Net A → Net B"
    for row, label in (
        ("table1: A, test", "Table 1: Net A, test"),
        ("table2: A amplified to 0.2, B", "Table 2: Net A amplified to 0.2 → Net B"),
        ("table2: gaussian-0.1, B", "Table 2: gaussian-0.1 → Net B"),
        ("table2: B, distortion", "Table 2: Net B, distortion"),
    ):
        assert found.loc[(row, "paper"), "row_label"] == label
    some = run(show="cells", cells_of="table1")
    assert [*some.index.get_level_values("row").unique()] == CELLS[:2]


def test_the_score_of_a_printed_row_is_that_of_its_cells(run):
    found = run(show="rows")
    cells = Counter(cell.rsplit(", ", 1)[0] for cell in CELLS)
    assert {row: found.loc[(row, "cells"), "value"] for row in cells} == cells
    total = found["value"].unstack()[["as printed", "clip: no", "biases: none"]].sum()
    assert total.to_dict() == pytest.approx(run()["value"].unstack()["all score"].to_dict())
    assert found.loc[("table1: B", "best"), "text"] == "as printed, clip: no"
    assert found.loc[("table1: A", "best"), "row_label"] == "Table 1: Net A"


def test_rows_that_are_left_out_take_the_columns_of_their_net_with_them(run):
    rows = run(show="cells", without=["B", "table2/gaussian-*"]).index.get_level_values("row")
    assert [*rows.unique()] == [
        c for c in CELLS if ", B" not in c and ": B" not in c and "gauss" not in c
    ]


def test_cells_that_fit_under_every_reading_or_none_are_named(run):
    undecided, unexplained = (run(show=show) for show in ("undecided", "unexplained"))
    assert [*undecided.index.get_level_values("row").unique()] == [CELLS[i] for i in (0, 2, 4, 5)]
    assert [*unexplained.index.get_level_values("row").unique()] == [CELLS[i] for i in (7, 9)]
    row = "table2: gaussian-0.1, B"
    texts = {"paper": "99", "lowest": "5.1", "highest": "23.4", "nearest": "23.4 (biases: none)"}
    assert {column: unexplained.loc[(row, column), "text"] for column in texts} == texts


def test_answers_to_a_question_are_beside_the_runs_and_the_best_is_marked(run):
    found, scores = run(show="questions"), run()["value"].unstack()["discriminating score"]
    rows = [*found.index.get_level_values("row").unique()]
    assert rows == ["biases: free", "biases: none", "clip: as the run", "clip: no"]
    for row, reading in zip(rows, ["as printed", "biases: none", "as printed", "clip: no"],
                            strict=True):  # fmt: skip
        behind = scores[reading] - scores["as printed"]
        assert found.loc[(row, "behind"), "value"] == pytest.approx(behind)
        expected = "best, the run's" if behind == 0 else ""
        assert (found.loc[(row, "mark"), "text"] or "") == expected
    assert found.loc[("biases: none", "discriminating"), "text"] == "0 of 6"


def test_the_runs_answer_stays_its_own_where_an_experiment_repeats_it():
    under = {"one": "as printed", "two": "clip: no", "three": "clip: yes"}
    run = [answers(name, "A", "B", wrong) for name, wrong in zip(under, (70, 90, 90), strict=True)]
    found = scored(run, ONE, under, show="questions", answers={"clip": "no"})
    assert found.loc[("clip: no", "mark"), "text"] == "best, the run's"


def test_the_search_says_what_it_tried_and_what_other_tables_say_of_its_choice(run):
    found = run(show="search", shows={"table2": ["*"]})
    numbers = {"readings": 3, "cells": 10, "undecided": 4, "unexplained": 2}
    assert {key: found.loc[("the search", key), "value"] for key in numbers} == numbers
    rows = [*found.index.get_level_values("row").unique()]
    assert rows == ["the search", "true: as printed", "true: clip: no", "true: biases: none"]
    assert found.loc[("true: as printed", "behind"), "value"] == 0


def test_a_reading_chosen_on_some_printed_tables_is_judged_on_the_others():
    printed = {"table2": {"A": {"B": 30.1}}, "table4": {"A": {"B": 30.1}}}
    counts = {"one": 77, "two": 110, "three": 30, "one more": 40, "two more": 77}
    transfer = [answers(name, "A", "B", count) for name, count in counts.items()]
    label = {"one": "as printed", "two": "clip: no", "three": "biases: none"}
    under = label | {f"{name} more": label[name] for name in ("one", "two")}
    shows = {"table2": ["one", "two", "three"], "table4": ["* more"]}
    found = scored(transfer, printed, under, show="search", shows=shows)
    assert found.loc[("chosen on Table 2", "chosen"), "text"] == "as printed"
    # In Table 4 it scores less than "clip: no", and as much as the reading without a run of its own
    assert found.loc[("chosen on Table 2", "rank"), "text"] == "2 of 3"
    expected = [score_of_share(30.1, 1, beta_binomial(N, k, N)) for k in (40, 77)]
    assert found.loc[("chosen on Table 2", "behind"), "value"] == pytest.approx(
        expected[0] - expected[1]
    )
    assert found.loc[("chosen on Table 4", "chosen"), "text"] == "clip: no"
    assert found.loc[("chosen on Table 4", "rank"), "text"] == "2 of 3"


def test_how_often_a_true_reading_comes_back_is_as_often_as_its_prints_are_likelier(monkeypatch):
    """With one cell and two readings, the share is a sum over the printable figures."""
    kept = []
    monkeypatch.setattr(shown, "prices", lambda scores: kept.append(scores) or prices(scores))
    two = [answers("one", "A", "B", 70), answers("two", "A", "B", 80)]
    found = scored(two, ONE, {"one": "as printed", "two": "clip: no"}, show="search")
    chances, fits = [], []
    for wrong in (70, 80):
        mass, figures = beta_binomial(N, wrong, N), np.zeros(1001)
        central, fit = (mass.cumsum() >= 0.025) & (mass[::-1].cumsum()[::-1] > 0.025), set()
        for k in range(N + 1):
            for cut, share in ((False, 1 - TRUNCATED), (True, TRUNCATED)):
                chance = (1 - OUTLIERS) * mass[k] + OUTLIERS / (N + 1)
                place = printed_as(Fraction(100 * k, N), 1, cut)
                figures[place] += share * chance
                fit |= {place} if central[k] else set()
        chances.append(figures)
        fits.append(np.isin(np.arange(1001), [*fit]))
    undecided = fits[0] & fits[1]  # left out, and the readings are equal
    for reading, own, other in (("as printed", *chances), ("clip: no", *chances[::-1])):
        expected = own[(own >= other) | undecided].sum()
        share = found.loc[(f"true: {reading}", "returned"), "value"]
        low, high = clopper_pearson(np.array([2 * share]), np.array([200]), tail=1e-4)
        assert low[0] < expected < high[0]
    (scores,) = kept
    assert prices(scores) == prices(scores)  # of a seed of their own
    np.testing.assert_allclose(
        scores.prints[0][0].probabilities(TRUNCATED, OUTLIERS), chances[0], atol=1e-9
    )


def test_a_true_reading_that_no_other_can_be_taken_for_always_comes_back():
    two = [answers("one", "A", "B", 0, n=2000), answers("two", "A", "B", 2000, n=2000)]
    found = scored(two, ONE, {"one": "as printed", "two": "clip: no"}, show="search", outliers=1e-9)
    assert found.loc[("true: as printed", "returned"), "value"] == 100
    assert found.loc[("true: as printed", "lead"), "reason"] == shown.ALWAYS


def test_an_attack_that_failed_on_more_than_half_has_no_length_that_fits():
    few = answers("two", "A", "A", N).assign(success=np.arange(N) < N // 2 - 1)
    printed = {"table2": {"A": {"distortion": 0.1}}}
    under = {"one": "as printed", "two": "clip: no"}
    found = scored([answers("one", "A", "A", N), few], printed, under, show="cells")
    assert found.loc[("table2: A, distortion", "clip: no"), "text"] == kit.NOT_FOOLED
    assert found.loc[("table2: A, distortion", "inside"), "text"] == "1 of 2"
    found = scored([answers("one", "A", "A", N), few], printed, under)
    # any of 10 figures: 0.0 and 1.0, rounded, are half as likely
    assert found.loc[("clip: no", "all score"), "value"] == pytest.approx(np.log(OUTLIERS / 10))


def test_parts_that_a_config_itself_names_are_left_out():
    transfer, clean = [answers("one", "A", "A", N)], unaltered("A", 67).assign(outcome="RIGHT")
    split = clean[["seed", "dataset", "file", "index"]].assign(subset="P1")
    settings = {
        "shows": {"table2": ["*"]}, "errors_of": {"table2": "table1"}, "images": N,
        "printed": {"table1": {"A": {"train": 0, "P1": 0, "half": 0}}}, "under": {"one": "x"},
        "stands_for": {}, "answers": {}, "labels": {}, "show": "cells",
    }  # fmt: skip
    found = judging(multiverse)(
        pd.concat(transfer), clean, split.assign(**{"in half": split["index"] < 500}), **settings
    )
    assert [*found["row"].unique()] == ["table1: A, train", "table1: A, P1"]


@pytest.mark.parametrize(
    ("under", "told"),
    [
        ({"one": "as printed", "two": "as printed"},
         "shows.table2: expected one experiment for each reading, found one and two for "
         "'as printed'; narrow it"),
        ({"other": "as printed", "one": "clip: no"},
         "shows.table2: expected an experiment of the run's own reading, 'as printed', found none; "
         "add it"),
    ],
)  # fmt: skip
def test_readings_without_one_experiment_each_are_refused_in_a_line(under, told):
    with pytest.raises(InputError) as error:
        scored([answers("one", "A", "B", 9)], ONE, under, shows={"table2": ["one", "two"]})
    assert str(error.value) == told
