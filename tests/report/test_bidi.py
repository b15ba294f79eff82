"""A label does not change the direction of the text next to it."""

import pytest

from blindspots.report.bidi import FIRST_STRONG, POP, config, isolated, summary
from tests import pages


@pytest.mark.parametrize("label", ["net A", "a" * 20, "<b>", "两层", "a\nb", "1 → 2"])
def test_what_runs_from_left_to_right_stays_as_it_is(label):
    assert isolated(label) == label


@pytest.mark.parametrize("label", ["\u05e8\u05e9\u05ea 1", "\u0634\u0628\u0643\u0629", "\u202eab"])
def test_what_may_turn_the_direction_is_between_marks(label):
    assert isolated(label) == FIRST_STRONG + label + POP


def test_no_label_ends_its_own_isolation():
    assert isolated(f"a{POP}\u202eb") == f"{FIRST_STRONG}a\u202eb{POP}"


def test_labels_and_titles_are_isolated_and_nothing_else():
    given = pages.checked()
    assert config(given) == given
    given["nets"]["AE32-10"]["label"] = "\u05e8"
    shown = config(given)
    assert shown["nets"]["AE32-10"]["label"] == f"{FIRST_STRONG}\u05e8{POP}"
    assert given["nets"]["AE32-10"]["label"] == "\u05e8"
    table = pages.summary().assign(row="\u05e8", row_label="\u05e8")
    assert set(summary(table)["row_label"]) == {f"{FIRST_STRONG}\u05e8{POP}"}
    assert set(summary(table)["row"]) == {"\u05e8"}


def test_a_page_has_its_labels_isolated_and_its_files_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setitem(pages.SUMMARIES, "t", lambda: pages.summary().assign(row_label="\u202eab"))
    made = pages.rendered(tmp_path)
    assert f"{FIRST_STRONG}\u202eab{POP}" in made
    assert made.count("\u202eab") == made.count(f"{FIRST_STRONG}\u202eab{POP}")
