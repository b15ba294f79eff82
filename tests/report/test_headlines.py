"""The first screen follows from the tables by rules."""

import pandas as pd
import pytest

from blindspots.config.claims import claims_of
from blindspots.interface import InputError
from blindspots.report.headlines import headlines, warned
from tests.pages import large, summary

BASE = {
    "low": None, "high": None, "interval": None, "text": None, "reason": None, "unit": "", "n": 9,
    "networks": 1, "paper": None, "value": None,
}  # fmt: skip


def rows(*cells):
    return pd.DataFrame([BASE | cell for cell in cells])


def cell(row, column, **values):
    return {"row": row, "row_label": row, "column": column, "column_label": column} | values


def of(methods):
    return {"tables": {name: {"method": m, "title": f"T {name}"} for name, m in methods.items()}}


CLAIM = {
    "claim": "It is close", "cells": {"table": "v", "rows": "largest"}, "at_most": 0.14,
    "weakly": 0.2, "exact": "made up", "where": "Table 1", "printed": 0.1,
}  # fmt: skip


def claimed(*claims, **others):
    """Return a config with its own claims on the table v, and the claims in a run's form."""
    config = of({"v": "effects", "t": "errors"}) | {"run": "mine", "claims": [*claims]} | others
    return config, claims_of(config)


def test_each_claim_has_its_verdict_with_figure_interval_and_rule():
    table = rows(cell("largest", "mean", value=0.1254, unit="RMS per pixel", low=0.118, high=0.132))
    config, claims = claimed(CLAIM)
    (line,) = headlines(config, {"v": table, "t": summary()}, claims)
    assert line == (
        "It is close", "holds", "0.125 RMS per pixel", "0.118, 0.132",
        "at most 0.14, weakly 0.2; v: largest; Table 1; printed 0.1", "v",
    )  # fmt: skip


def test_a_claim_keeps_its_direction_of_writing_to_itself():
    config, claims = claimed(CLAIM | {"claim": "\u05d0"})
    (line,) = headlines(config, {"v": rows(cell("largest", "mean", value=0.1))}, claims)
    assert line.claim == "\u2068\u05d0\u2069"


def test_verdicts_on_claims_come_before_those_of_tables():
    config, claims = claimed(CLAIM)
    config["tables"]["u"] = {"method": "units", "title": "T u"}
    lines = headlines(
        config,
        {"u": rows(cell("a", "b", text="equal")), "v": rows(cell("largest", "mean", value=0.1))},
        claims,
    )
    assert [line.verdict for line in lines] == ["holds", "equal"]


def test_a_claim_on_a_row_that_its_table_has_not_is_not_judged_beside_others_that_are():
    config, claims = claimed(CLAIM, CLAIM | {"claim": "other", "cells": {"table": "v"}})
    first, other = headlines(config, {"v": rows(cell("least", "mean", value=0.1))}, claims)
    assert (first.verdict, first.figure, other.verdict) == ("not judged", "", "holds")
    assert first.note == (
        "expected a row of the table v of the run mine (least), found 'largest'; did you mean "
        "'least'?; at most 0.14, weakly 0.2; Table 1; printed 0.1"
    )


def test_a_claim_on_a_table_with_a_doubtful_net_is_not_judged():
    config, claims = claimed(CLAIM)
    found = {"v": rows(cell("largest", "mean", value=0.1))}
    (line,) = headlines(config, found, claims, {"t": {"N": "no"}, "v": {"M": "", "N": "too bad"}})
    assert (line.verdict, line.note.partition(";")[0]) == ("not judged", "about N (too bad)")
    (line,) = headlines(config, found, claims, {"t": {"N": "too bad"}})
    assert line.verdict == "holds"


def test_a_difference_is_lower_or_higher_where_its_interval_leaves_zero_out():
    point = {"unit": "% points"}
    table = rows(
        cell("A", "test", value=2.0, unit="%"),
        cell("A", "less B", value=-0.5, low=-0.8, high=-0.2, **point),
        cell("C", "less B", value=0.5, low=0.2, high=0.8, **point),
        cell("D", "less B", value=0.1, low=-0.2, high=0.4, **point),
        cell("E", "less B", value=0.1, **point),
        cell("F", "less B", value=0.1, low=0.0, high=0.2, **point),
        cell("B", "less B", **point),
    )
    found = headlines(of({"c": "contrasts"}), {"c": table})
    verdicts = {line.claim: line.verdict for line in found}
    assert verdicts == {
        "A: less B": "lower", "C: less B": "higher", "D: less B": "cannot tell",
        "E: less B": "cannot tell", "F: less B": "cannot tell",
    }  # fmt: skip
    assert found[0].figure == "-0.50 points"


def test_verdicts_on_units_are_counted():
    texts = ["cannot tell", "equal", "cannot tell", None]
    table = rows(*(cell(f"layer {i}", "purity", text=text) for i, text in enumerate(texts)))
    (line,) = headlines(of({"u": "units"}), {"u": table})
    assert (line.verdict, line.figure, line.note) == ("cannot tell", "2 of 3", "equal 1")
    (line,) = headlines(of({"u": "units"}), {"u": table.iloc[[0, 2]]})
    assert (line.figure, line.note) == ("2 of 2", "all the same")


def test_the_one_verdict_over_all_comes_before_the_count_of_the_others():
    table = rows(
        cell("over all", "purity", text="cannot tell"), cell("a", "purity", text="equal (primary)"),
        cell("b", "purity", text="equal"), cell("c", "purity", text="equal"),
    )  # fmt: skip
    first, count = headlines(of({"u": "units"}), {"u": table})
    assert first.claim.endswith(", over all, purity") and first.verdict == "cannot tell"
    assert (count.verdict, count.figure, count.note) == ("equal", "2 of 3", "equal (primary) 1")


def test_p_values_with_a_word_beside_them_are_no_verdicts():
    table = rows(cell("a", "purity", value=0.01, unit="p", text="0.01 (primary)"))
    assert headlines(of({"u": "units"}), {"u": table}) == []


def test_units_without_verdicts_and_unknown_tables_say_nothing():
    assert headlines(of({"u": "units", "m": "my:own"}), {"u": large(), "m": large()}) == []


def test_where_nothing_is_judged_key_figures_have_their_range_and_rows():
    table = rows(
        cell("A", "distortion", value=0.2, unit="RMS per pixel"),
        cell("B", "distortion", value=0.1, unit="RMS per pixel"),
        cell("C", "distortion", unit="RMS per pixel"),
    )
    (line,) = headlines(of({"t": "errors"}), {"t": table})
    assert (line.verdict, line.figure, line.note) == (
        "", "0.100 to 0.200 RMS per pixel", "least B, most A; T t",
    )  # fmt: skip
    assert headlines(of({"t": "errors"}), {"t": table.iloc[2:]}) == []


def test_a_net_whose_attack_mostly_failed_is_in_no_range_but_named():
    length = {"unit": "RMS per pixel"}
    table = rows(
        cell("A", "success", value=100.0, unit="%"), cell("A", "distortion", value=0.06, **length),
        cell("B", "success", value=3.1, unit="%"),
        cell("B", "distortion", value=0.02, text="0.020 (2 of 64)", **length),
        cell("C", "success", value=75.0, unit="%"),
        cell("C", "distortion", value=0.05, text="0.050 (48 of 64)", **length),
        cell("D", "success", value=0.0, unit="%"), cell("D", "distortion", **length),
    )  # fmt: skip
    (line,) = headlines(of({"t": "errors"}), {"t": table})
    assert line.figure == "0.050 (48 of 64) to 0.060 RMS per pixel"
    assert line.note == "least C, most A; > half not fooled: B, D; T t"
    (line,) = headlines(of({"t": "errors"}), {"t": table[table["row"].isin(["B", "D"])]})
    assert (line.figure, line.note) == ("> half not fooled", "> half not fooled: B, D; T t")


def test_certified_radii_have_their_range_whatever_was_found():
    table = rows(
        cell("A", "success", value=100.0, unit="%"), cell("B", "success", value=0.0, unit="%"),
        cell("A", "certified", value=0.1, unit="L2"), cell("B", "certified", value=0.3, unit="L2"),
        cell("A", "found", value=0.5, unit="L2"),
        cell("B", "found", text="> half not fooled", unit="L2"),
    )  # fmt: skip
    certified, found = headlines(of({"l": "ledger"}), {"l": table})
    assert (certified.figure, certified.note) == ("0.1 to 0.3 L2", "least A, most B; T l")
    assert (found.figure, found.note) == ("0.5 L2", "A; > half not fooled: B; T l")


def test_a_verdicts_figure_is_as_its_table_shows_it():
    config, claims = claimed(CLAIM)
    shown = {"text": "> half not fooled", "unit": "RMS per pixel"}
    (line,) = headlines(config, {"v": rows(cell("largest", "mean", **shown))}, claims)
    assert (line.verdict, line.figure) == ("undecided", "> half not fooled")
    fewer = {"value": 0.1, "text": "0.100 (40 of 60)", "unit": "RMS per pixel"}
    (line,) = headlines(config, {"v": rows(cell("largest", "mean", **fewer))}, claims)
    assert line.figure == "0.100 (40 of 60) RMS per pixel"


def test_a_warning_that_two_tables_give_is_told_once():
    table = rows(cell("A", "warning", text="masked"), cell("B", "success", value=1.0))
    other = rows(cell("A", "warning", text="masked"), cell("B", "warning", text="too"))
    found = warned({"t": table, "u": other, "v": large()})
    assert found == [("A", "masked", "t"), ("B", "too", "u")]


def test_a_users_analysis_says_what_the_first_screen_shows(tmp_path, monkeypatch):
    def analysis(name, headline):
        (tmp_path / f"{name}.py").write_text(f"HEADLINE = {headline!r}\ndef own(clean): ...\n")
        return of({"t": f"{name}:own"}), {"t": table}

    monkeypatch.syspath_prepend(tmp_path)
    table = rows(cell("A", "depth", value=2.0, unit="m", text="high"), cell("B", "other", value=9))
    (line,) = headlines(*analysis("my_range", {"depth": "How deep"}))
    assert (line.claim, line.figure) == ("How deep", "high m")
    (line,) = headlines(*analysis("my_count", "counted verdicts"))
    assert (line.verdict, line.figure) == ("high", "1 of 1")
    for wrong in ("verdict per row", ["depth"], {"depth": 3}):
        with pytest.raises(InputError, match=r":own: expected the constant HEADLINE to be one of"):
            headlines(*analysis(f"my_{type(wrong).__name__}", wrong))
