"""Verdicts on synthetic tables: every word, both directions, and values exactly at the margin."""

import numpy as np
import pandas as pd
import pytest

from blindspots.config.claims import claims_of
from blindspots.interface import InputError
from blindspots.report import verdicts
from blindspots.report.verdicts import judged

CELL = {
    "unit": "%", "text": None, "low": np.nan, "high": np.nan, "interval": None, "n": 100,
    "networks": 1, "paper": np.nan,
}  # fmt: skip


def table(**cells):
    """Return a table with one column, by row: value, low, high, or a value alone."""
    rows = []
    for row, cell in cells.items():
        value, low, high = cell if isinstance(cell, tuple) else (cell, np.nan, np.nan)
        rows.append(CELL | {"row": row, "column": "c", "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)


def claim(cells=None, **rule):
    """Return a claim of the run `mine` in a config's form."""
    said = {"claim": "it holds", "cells": cells or {"table": "t"}} | rule
    config = {"claims": [said], "run": "mine", "tables": dict.fromkeys(("t", "u"))}
    return claims_of(config)[0]


def verdict(cells, tables=None, **rule):
    tables = {"t": tables} if isinstance(tables, pd.DataFrame) else tables
    return judged(claim(cells, **rule), lambda run, name: tables.get(name))


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (10, 12, "holds"),
        (9.99, 12, "holds weakly"),
        (1, 30, "holds weakly"),
        (0.5, 12, "undecided"),
        (-3, 1, "undecided"),
        (-3, 0.9, "does not hold"),
    ],
)
def test_a_verdict_is_by_where_the_interval_lies_in_both_directions(low, high, word):
    value = (low + high) / 2
    up = verdict(None, table(a=(value, low, high)), at_least=10, weakly=1)
    down = verdict(None, table(a=(-value, -high, -low)), at_most=-10, weakly=-1)
    assert (up.word, down.word) == (word, word)


@pytest.mark.parametrize(("low", "word"), [(10, "holds"), (9, "undecided"), (-1, "undecided")])
def test_without_a_weaker_margin_nothing_holds_weakly(low, word):
    assert verdict(None, table(a=(11, low, 13)), at_least=10).word == word
    assert verdict(None, table(a=(9, 8, 9.5)), at_least=10).word == "does not hold"


@pytest.mark.parametrize(
    ("value", "word"),
    [(10, "holds"), (9, "holds weakly"), (1, "holds weakly"), (0.9, "does not hold")],
)
def test_a_figure_without_an_interval_is_judged_by_its_value_only_if_it_is_exact(value, word):
    found = verdict(None, table(a=value), at_least=10, weakly=1, exact="a theorem")
    assert (found.word, found.interval) == (word, "")
    assert found.note.startswith("by the value (a theorem); at least 10, weakly 1; t")
    found = verdict(None, table(a=value), at_least=10, weakly=1)
    assert (found.word, found.figure) == ("undecided", f"{value:.2f} %")
    assert found.note.startswith("it has no interval; at least 10, weakly 1; t")


@pytest.mark.parametrize("kind", ["student", "extreme"])
def test_students_interval_over_fewer_networks_than_are_shown_decides_nothing(kind):
    cell = table(a=(11, 10, 12)).assign(interval=kind)
    for networks, word, ends in ((2, "undecided", ""), (3, "holds", "10.00, 12.00")):
        found = verdict(None, cell.assign(networks=networks), at_least=10)
        assert (found.word, found.interval, found.networks) == (word, ends, networks)


def test_the_networks_behind_a_verdict_are_the_fewest_of_a_cell_and_none_if_it_is_exact():
    cells = table(a=(11, 10, 12), b=(12, 11, 13)).assign(networks=[5, 1])
    of = {"at_least": 10, "reduction": "least"}
    assert verdict(None, cells, **of).networks == 1
    assert verdict({"table": "t", "rows": "a"}, cells, at_least=10).networks == 5
    assert verdict(None, table(a=11, b=12), **of, exact="a theorem").networks == 0


def test_an_exact_figure_that_has_an_interval_after_all_is_judged_by_it():
    found = verdict(None, table(a=(11, 9, 13)), at_least=10, exact="a theorem")
    assert (found.word, found.note) == ("undecided", "at least 10; t")


def test_where_nothing_was_measured_nothing_is_decided():
    unknown = table(a=np.nan).assign(text="> half not fooled")
    found = verdict(None, unknown, at_most=0.14)
    assert (found.word, found.figure) == ("undecided", "> half not fooled")
    assert verdict(None, table(a=np.nan), at_most=0.14).figure == "none"


@pytest.mark.parametrize(
    ("reduction", "value", "least", "most"),
    [
        ("least", 1, 0, 1.5),
        ("largest", 4, 2, 6),
        ("mean", 2.175, 1, 3.75),
        ("median", 1.85, 1, 3.75),
    ],
)
def test_several_cells_are_reduced_and_the_interval_is_at_least_that_of_their_ends(
    reduction, value, least, most
):
    cells = table(a=(1, 0, 3), b=(4, 2, 6), other=(100, 99, 101), d=(1.2, 1, 1.5), e=(2.5, 1, 4.5))
    rows = ["a", "b", "d"] if reduction == "least" else ["a", "b", "d", "e"]
    found = verdict({"table": "t", "rows": rows}, cells, at_least=0, reduction=reduction)
    assert found.figure == f"{value:.2f} %"
    low, high = map(float, found.interval.split(", "))
    assert low == least if reduction in ("least", "mean") else low < least
    assert high == most if reduction in ("largest", "mean") else high > most
    assert f"{reduction} of t: {', '.join(rows)}" in found.note


def test_one_cell_without_an_interval_leaves_the_reduced_ones_without():
    for reduction in ("least", "median", "largest", "mean"):
        found = verdict(None, table(a=(1, 0, 2), b=5), at_least=1, reduction=reduction)
        assert (found.word, found.interval) == ("undecided", "")


def test_names_may_have_stars_and_no_other_signs():
    cells = table(**{"A → B": 1, "B → A": 5, "A[1] → B": 3})
    of = {"table": "t", "rows": "* → B"}
    of_two = verdict(of, cells, at_least=3, reduction="largest", exact="made up")
    assert (of_two.word, of_two.figure) == ("holds", "3.00 %")
    assert verdict(of | {"rows": "A[1] → B"}, cells, at_least=3).figure == "3.00 %"


def test_what_is_subtracted_widens_the_interval_as_much_as_it_may():
    cells = table(a=(10, 9, 11), b=(4, 2, 7))
    found = verdict(
        {"table": "t", "rows": "a"}, cells, less={"table": "t", "rows": "b"}, at_least=2
    )
    assert (found.figure, found.interval, found.word) == ("+6.0 points", "+2.0, +9.0", "holds")


def test_a_claim_may_join_tables_of_several_runs():
    made = claim({"table": "t"}, less={"table": "u"}, at_least=0)
    made["cells"][0]["runs"], made["less"][0]["runs"] = ["first"], ["second", "third"]
    there = {("first", "t"): table(a=(5, 4, 6)), ("third", "u"): table(a=(1, 0, 2))}
    assert judged(made, lambda run, name: there.get((run, name))).word == "holds"
    asked = []
    judged(made, lambda run, name: asked.append(run) or there.get((run, name)))
    assert asked == ["first", "second", "third"]


def test_of_several_runs_the_first_that_is_there_judges():
    made = claim(at_least=3)
    made["cells"][0]["runs"] = ["best", "second", "third"]
    there = {"second": table(a=(2, 1, 2.5)), "third": table(a=(4, 3, 5))}
    found = judged(made, lambda run, name: there.get(run))
    assert (found.word, found.run) == ("does not hold", "second")


def test_tables_of_the_same_runs_are_of_one_that_has_them_all():
    made = claim({"table": "t"}, less={"table": "u"}, at_least=3)
    for part in ("cells", "less"):
        made[part][0]["runs"] = ["half", "whole"]
    two = table(a=(2, 2, 2))
    there = {("half", "t"): table(a=9), ("whole", "t"): two, ("whole", "u"): table(a=(1, 1, 1))}
    found = judged(made, lambda run, name: there.get((run, name)))
    assert (found.word, found.figure, found.run) == ("does not hold", "+1.0 points", "whole")
    there[("half", "u")] = table(a=1)
    assert judged(made, lambda run, name: there.get((run, name))).run == "half"
    del there[("half", "u")], there[("whole", "t")]
    found = judged(made, lambda run, name: there.get((run, name)))
    assert (found.word, found.note) == ("not run", "at least 3; needs t and u of half or whole")
    del there[("whole", "u")]
    assert judged(made, lambda run, name: there.get((run, name))).note.endswith(
        "needs u of half or whole"
    )


def test_a_run_that_is_not_there_is_not_run():
    found = verdict(None, {}, at_least=3)
    assert (found.word, found.figure) == ("not run", "")
    assert found.note == "at least 3; needs t of mine"


def test_another_scale_and_an_unconfirmed_print_are_not_judged_but_shown():
    cells = table(a=(5, 4, 6))
    for given, note in (
        ({"scale": "only ten images"}, "only ten images; at least 3; t"),
        ({"source": "from memory"}, "the printed figure is not confirmed; at least 3; t"),
    ):
        found = verdict(None, cells, at_least=3, **given)
        assert (found.word, found.figure, found.note) == ("not judged", "5.00 %", note)
    assert verdict(None, cells, at_least=3, source="quoted").word == "holds"


@pytest.mark.parametrize(
    ("rows", "word"),
    [("own", "not judged"), ("pair", "not judged"), ("other", "holds"), ("longer", "holds"),
     ("mean", "not judged"), (["own", "other"], "not judged"), (["other", "longer"], "holds")],
)  # fmt: skip
def test_a_claim_is_not_judged_by_cells_of_a_net_in_doubt_or_of_all_nets(rows, word):
    shown = {
        "own": "A (bad)", "other": "B", "longer": "A, longer", "pair": "B → A (bad)", "mean": "all",
    }  # fmt: skip
    cells = table(**dict.fromkeys(shown, (5, 4, 6)))
    cells = cells.assign(row_label=[*shown.values()], column_label="c")
    labels = {"A (bad)": "bad", "B": "", "A, longer": ""}
    made = claim({"table": "t", "rows": rows}, at_least=3, reduction="mean")
    found = judged(made, lambda run, name: cells, lambda run, name: labels)
    assert (found.word, found.figure) == (word, "5.00 %")
    assert found.note.startswith("about A (bad); at least 3; " if word != "holds" else "at least")


@pytest.mark.parametrize(
    ("row", "column", "word"),
    [("noise", "test error", "holds"), ("mean", "test error", "not judged"),
     ("error by noise of equal length", "c", "not judged"), ("test → noise", "c", "holds"),
     ("pgd at eps 0.1: test, layer 2", "c", "holds"), ("mean", "error − test", "holds"),
     ("error of the other nets − error of test, beyond clean", "c", "not judged"),
     ("test → A (bad)", "c", "not judged"), ("test amplified to 0.1", "noise", "holds"),
     ("mean", "test rejected", "holds")],
)  # fmt: skip
def test_a_net_that_is_named_like_a_word_is_meant_by_its_whole_name_alone(row, column, word):
    cells = table(a=(5, 4, 6)).assign(row_label=row, column_label=column)
    labels = {"A (bad)": "bad", "test": "", "noise": ""}
    found = judged(claim(at_least=3), lambda run, name: cells, lambda run, name: labels)
    assert found.word == word


def test_a_claim_without_a_rule_says_why():
    config = {"claims": [{"claim": "c", "reason": "it is vague"}], "run": "mine", "tables": {}}
    (found,) = verdicts.verdicts(claims_of(config), lambda run, name: None)
    assert (found.word, found.note) == ("not judged", "it is vague")


def test_the_six_words_are_those_of_the_register():
    assert list(verdicts.WORDS) == [
        "holds", "holds weakly", "does not hold", "undecided", "not judged", "not run",
    ]  # fmt: skip


def test_a_printed_figure_is_subtracted_from_each_cell_and_has_no_interval():
    cells = table(a=(5, 4, 6), b=(7, 5, 9), other=(0, 0, 0)).assign(paper=[4.5, 9, np.nan])
    rule = {"at_most": 1.5, "less": "printed", "reduction": "largest"}
    found = verdict({"table": "t", "rows": ["a", "b"]}, cells, **rule)
    assert (found.figure, found.word) == ("+0.5 points", "holds")  # 5 − 4.5, and 7 − 9
    assert found.interval.endswith("+1.5")
    assert found.note == "at most 1.5; largest of t: a, b, each less the printed figure"
    with pytest.raises(
        InputError,
        match=r"expected a printed figure in each cell, found none in "
        r"other / c; name those that have one",
    ):
        verdict({"table": "t"}, cells, **rule)


def test_the_largest_difference_is_not_the_difference_of_the_largest():
    cells = table(a=(10, 10, 10), b=(3, 3, 3)).assign(paper=[10, 0])
    found = verdict({"table": "t"}, cells, at_most=1, less="printed", reduction="largest")
    assert (found.figure, found.word) == ("+3.0 points", "does not hold")
    less = {"table": "u"}
    tables = {"t": cells, "u": table(c=(1, 1, 1), d=(3, 3, 3))}
    found = verdict({"table": "t"}, tables, at_least=4.5, less=less, reduction="mean")
    assert (found.figure, found.word) == ("+4.5 points", "holds")
    with pytest.raises(InputError, match="expected one cell to subtract for the largest, found 2"):
        verdict({"table": "t"}, tables, at_least=4.5, less=less, reduction="largest")


@pytest.mark.parametrize(
    ("cells", "rule", "message"),
    [
        ({"rows": "b"}, {}, "claims.0.cells.rows: expected a row of the table t of the run mine "
         "(a, aa), found 'b'"),
        ({"rows": ["a", "x*"]}, {}, "claims.0.cells.rows: expected a row of"),
        ({"columns": "d"}, {}, "claims.0.cells.columns: expected a column of the table t of the "
         "run mine (c), found 'd'"),
        ({"rows": "a*"}, {}, "claims.0: expected one cell, found 2; add a reduction (least, "),
        ({}, {"reduction": "mean"}, "claims.0: expected cells of one unit, found '%', 'L2'"),
    ],
)  # fmt: skip
def test_what_a_table_has_not_is_said_in_a_line(cells, rule, message):
    frame = table(a=1, aa=2)
    frame.loc[1, "unit"] = "L2" if rule else "%"
    with pytest.raises(InputError) as error:
        verdict({"table": "t"} | cells, frame, at_least=1, **rule)
    assert str(error.value).startswith(message)
    assert len(str(error.value).splitlines()) == 1


def test_a_row_and_a_column_without_a_cell_are_said():
    frame = pd.concat([table(a=1), table(b=2).assign(column="d")])
    with pytest.raises(InputError, match="found none in these rows and columns"):
        verdict({"table": "t", "rows": "a", "columns": "d"}, frame, at_least=1)
