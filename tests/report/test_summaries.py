"""Summary tables laid out for reading."""

from blindspots.report.summaries import figure, printable, repeated
from tests.pages import summary


def test_a_table_is_laid_out_in_its_order_with_the_papers_figures():
    table = printable("t", "T", summary())
    assert table.columns == ["A & co", "distortion"]
    assert [label for label, _ in table.rows] == ["net <A>", "net B"]
    first, second = (cells for _, cells in table.rows)
    assert (first[0].value, first[0].paper, first[0].shade) == ("100.0", "100", 1.0)
    assert (first[1].value, first[1].paper, first[1].shade) == ("0.062", "0.062", None)
    assert second[0].paper == ""
    assert second[0].detail.startswith("12.3 % error; 256 images; mean of 3 seeds; 95% interval")
    assert second[0].order == 12.34
    assert second[1] is None
    assert table.has_paper


def test_a_table_says_what_its_rows_are_as_far_as_its_analysis_does(tmp_path, monkeypatch):
    modules = {"no_word": "", "a_word": 'CORNER = "digit"', "a_number": "CORNER = 3"}
    for name, said in modules.items():
        (tmp_path / f"{name}.py").write_text(f"{said}\ndef own(clean): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    for method, expected in (
        ("errors", "net"), ("transfer", "images made for / error (%) of"), ("a_word:own", "digit"),
        ("no_word:own", "row"), ("a_number:own", "row"), ("not_here:own", "row"), ("", "row"),
    ):  # fmt: skip
        assert printable("t", "T", summary(), method).corner == expected


def test_a_note_of_the_analysis_stands_with_its_table():
    assert printable("t", "T", summary(), "errors").note == ""
    note = printable("t", "T", summary(), "ledger").note
    assert "No perturbation shorter than the certified radius changes the answer" in note


def test_a_table_says_what_its_figures_are_from_and_why_one_is_missing():
    frame = summary()
    frame.loc[2, ["value", "low", "high"]] = None
    frame.loc[2, "reason"] = "no attack succeeded"
    table = printable("t", "T", frame)
    first, second = (cells for _, cells in table.rows)
    assert (first[0].interval, first[1].interval) == ("98.5, 100.0", "")
    assert second[0].value == "– (1)"
    assert second[0].order == ""
    assert second[0].detail.endswith("no figure: no attack succeeded")
    assert table.footnotes == ["no attack succeeded"]
    assert table.caption.startswith("n = 256 images, mean of 3 seeds, in square brackets")


def test_a_mean_of_two_seeds_has_no_interval_and_says_so():
    for networks, interval, said in (
        (3, "3.2, 21.0", "mean of 3 seeds, in square brackets the 95% interval: Wilson's"),
        (2, "", "mean of 2 seeds, no interval over fewer than 3, in square brackets the 95%"),
    ):
        table = printable("t", "T", summary().assign(networks=[1, 1, networks]))
        first, second = (cells for _, cells in table.rows)
        assert (first[0].interval, second[0].interval) == ("98.5, 100.0", interval)
        assert ("interval" in second[0].detail) == bool(interval)
        assert table.caption.startswith(f"n = 256 images, {said}")
    lone = summary().assign(networks=2, interval="student")
    assert printable("t", "T", lone).caption.endswith("no interval over fewer than 3")


def test_a_table_is_repeated_where_method_and_rows_are_the_same():
    frame = summary()
    tables = {name: {"method": "ledger"} for name in "abcd"} | {"e": {"method": "errors"}}
    of = {name: summary() for name in "abcde"} | {"b": frame.assign(n=255)}
    assert repeated(of, tables) == {"c": "a", "d": "a"}


def test_a_text_is_shown_as_it_is_and_sorted_by_where_there_is_no_figure():
    table = printable("t", "T", summary().assign(text="holds"))
    assert table.rows[0][1][0].value == "holds"
    assert table.rows[0][1][0].order == 100.0
    table = printable("t", "T", summary().assign(text="holds", value=None, low=None))
    assert table.rows[0][1][0].order == "holds"


def test_a_p_value_too_small_for_a_float_is_no_zero():
    table = printable("t", "T", summary().assign(unit="p", value=[0.0, 0.0312, 2.9e-64]))
    first, second = (cells for _, cells in table.rows)
    assert [cell.value for cell in (*first, second[0])] == ["< 1e-300", "0.031", "2.9e-64"]
    assert first[0].order == 0.0


def test_a_text_among_figures_leaves_its_column_sorted_by_figure():
    frame = summary()
    frame.loc[2, ["value", "low", "high"]] = None
    frame.loc[2, "text"] = "weights of theirs"
    cells = [cells[0] for _, cells in printable("t", "T", frame).rows]
    assert [cell.value for cell in cells] == ["100.0", "weights of theirs"]
    assert [cell.order for cell in cells] == [100.0, ""]


def test_small_distances_keep_two_digits():
    length = {"unit": "RMS per pixel", "value": 0.0004, "low": 0.000351, "high": 0.0125}
    assert figure(length) == ("0.0004", "0.00035, 0.013")
    assert figure(length | {"value": 0.0, "high": None}) == ("0.000", "")


def test_a_column_of_distances_is_headed_by_its_norm():
    table = printable("t", "T", summary().assign(unit="L2"))
    assert table.columns == ["A & co (L2)", "distortion (L2)"]
