"""The first screen is from the tables, by rule."""

import pandas as pd

from blindspots.report.headlines import headlines
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


def test_each_claim_has_its_verdict_with_figure_interval_and_rule():
    table = rows(
        cell("It is close", "verdict", text="holds"),
        cell("It is close", "value", value=0.1254, unit="RMS per pixel", low=0.118, high=0.132),
        cell("It is close", "rule", text="at most 0.14, weakly 0.2"),
        cell("It is close", "measure", text="largest distortion, e"),
    )
    (line,) = headlines(of({"v": "verdicts", "t": "errors"}), {"v": table, "t": summary()})
    assert line == (
        "It is close", "holds", "0.125 RMS per pixel", "0.118, 0.132",
        "at most 0.14, weakly 0.2; largest distortion, e", "v",
    )  # fmt: skip


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
    assert (line.figure, line.note) == ("2 of 2", "all alike")


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
