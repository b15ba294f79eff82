"""Marks of a template are filled in with figures of runs, or said to be wrong in a line each."""

import pytest

from blindspots.analyses import kit
from blindspots.files import tables
from blindspots.interface import InputError
from blindspots.runs.template import filled
from tests.pages import summary

TEXT = "# Page\n\nIt errs on {{mine/t: A / B}}, and\n{{mine/t}}\n\n{{figure mine/c}}\n"


@pytest.fixture
def results(tmp_path):
    table = tables.from_frame(summary(), kit.SCHEMA)
    (tmp_path / "mine/figures").mkdir(parents=True)
    (tmp_path / "mine/figures/c.svg").write_text("<svg/>")
    (tmp_path / "mine/tables").mkdir()
    tables.write(tmp_path / "mine/tables/t.parquet", table, {"title": "T", "method": "transfer"})
    return tmp_path


def test_tables_and_figures_stand_where_their_marks_stood(results):
    frame = summary()
    cell = frame[frame["value"].notna()].iloc[0]
    text = TEXT.replace("A / B", f"{cell['row']} / {cell['column']}")
    page, figures = filled(text, results, "page.md")
    lines = page.splitlines()
    assert lines[2] == "It errs on 100.0 % [98.5, 100.0], and"
    assert "| images made for / error (%) of | A & co | distortion |" in lines
    assert "| net \\<A\\> | 100.0 [98.5, 100.0] (100) | 0.062 (0.062) |" in lines
    assert lines[-1] == "![c](figures/mine-c.svg)"
    assert figures == {"figures/mine-c.svg": results / "mine/figures/c.svg"}


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("mine/u", "expected a table of the run mine (t), found 'u'"),
        ("other/t", "expected a table of the run other (none is there: run the workflow), found"),
        ("mine/t: X / B", "expected a row of the table ("),
        ("figure mine/d", "expected a figure of the run mine (c), found 'd'"),
        ("t", "expected a mark such as {{RUN/TABLE}}, "),
    ],
)
def test_a_mark_that_names_nothing_is_one_line_with_its_place(results, mark, told):
    with pytest.raises(InputError) as error:
        filled(f"# Page\n\nsee {{{{{mark}}}}}, {{{{mine/t}}}}", results, "page.md")
    assert str(error.value).startswith(f"page.md, line 3: {told}")
    assert "\n" not in str(error.value)


def test_a_mark_without_an_end_is_one_line(results):
    with pytest.raises(InputError) as error:
        filled("# Page {{mine/t}}\n\n{a: {b: 1}} is no mark, {{mine/t} is\n", results, "page.md")
    told = "expected }} at the end of a mark, found none; add it"
    assert str(error.value) == f"page.md, line 3: {told}"
