"""Printed figures as data, and readings of a multiverse by them."""

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.claims import claims_in
from blindspots.config.parts import parts_of
from blindspots.config.printed import printed, tables_in
from blindspots.files import splits
from blindspots.interface import InputError
from tests.configs import SCHEMA, fault, full


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


def figures(folder, text):
    (folder / "printed.yaml").write_text(text, "utf-8")
    return folder / "printed.yaml"


def test_printed_figures_are_read_by_row_and_column(tmp_path):
    path = figures(tmp_path, "t: {columns: [x, 1e-4], rows: {a: [1, null], 1: [2.50, 1e-3]}}")
    assert tables_in(path) == {"t": {"a": {"x": 1}, "1": {"x": 2.5, "1e-4": 1e-3}}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("t: {columns: [x], rows: {a: ['6,7']}}",
         "t.rows.a.0: expected a number or null (a printed figure), found '6,7'"),
        ("t: {columns: [x, y], rows: {a: [1]}}",
         "t.rows.a: expected 2 figures, one for each column, found 1; write null where none is"),
        ("t: {columns: [x, x], rows: {a: [1, 2]}}", "t.columns: expected no entry twice (the"),
        ("t: {columns: [x], rows: {a: [.nan]}}", "t.rows.a.0: expected a finite number"),
        ("t: {columns: [x]}", "t: expected the key 'rows', found none; add it"),
        ("{}", "top level: expected at least 1 (figures that a paper prints, by table), found {}"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_printed_figures_is_said_in_a_line(tmp_path, text, told):
    path = figures(tmp_path, text)
    with pytest.raises(InputError) as error:
        tables_in(path)
    place = path if told.startswith("top level") else f"{path}, line 1"
    assert str(error.value).startswith(f"{place}: {told}")
    assert len(str(error.value).splitlines()) == 1


def test_a_file_of_claims_and_one_of_figures_are_not_taken_for_each_other(tmp_path):
    claims = {"paper": "A 1999", "runs": {}, "claims": []}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(claims), "utf-8")
    path = figures(tmp_path, "t: {columns: [x], rows: {a: [1]}}")
    with pytest.raises(InputError, match=r"with the keys paper, runs and claims, found 't'$"):
        claims_in(path)
    with pytest.raises(InputError, match="expected the figures that a paper prints, by table, fou"):
        tables_in(tmp_path / "claims.yaml")


def test_a_table_names_printed_figures_that_are_there(raw, tmp_path):
    raw["tables"]["table1"]["paper"] = "first"
    assert "tables.table1.paper: expected a config with a file of printed figures" in fault(
        raw, "seeds", value=[0]
    )
    raw["printed"] = str(figures(tmp_path, "frist: {columns: [test], rows: {AE32-10: [1]}}"))
    message = fault(raw, "seeds", value=[0])
    assert "tables.table1.paper: expected a table of printed figures of this config (frist)" in (
        message
    )
    assert message.endswith("did you mean 'frist'?")
    raw["tables"]["table1"]["paper"] = "frist"
    assert printed(check(raw, SCHEMA)) == {"frist": {"AE32-10": {"test": 1}}}
    message = fault(raw, "figures", "distortions", "paper", value="frist")
    assert "figures.distortions.paper: expected none for distortions, which shows none" in message
    raw["printed"] = str(tmp_path / "none.yaml")
    assert "printed: " in (message := fault(raw, "seeds", value=[0]))
    assert "none.yaml: expected a YAML file of printed figures, found no such file" in message


def table_fault(raw, **settings):
    """Return the fault of a table of readings with some settings, without its key."""
    raw["printed"] = "papers/szegedy2013/printed.yaml"
    value = {"method": "multiverse", "experiment": "cross-model", **settings}
    (line,) = fault(raw, "tables", "mine", value=value).splitlines()
    assert line.startswith("my.yaml: tables.mine")
    return line.removeprefix("my.yaml: tables.mine").removeprefix(".")


@pytest.mark.parametrize(
    ("shows", "told"),
    [
        (None, "shows: expected a mapping of keys (experiments, or patterns, that stand for each"),
        ([1], "shows: expected a mapping of keys (experiments, or patterns, that stand for each"),
        ({}, "shows: expected at least 1 entry"),
        ({"table2": "cross-model"}, "shows.table2: expected a list"),
        ({"table2": []}, "shows.table2: expected at least 1 entry"),
        ({"table2": [3]}, "shows.table2.0: expected text"),
        ({"table9": ["cross-model"]}, "shows.table9: expected a table of printed figures of this"),
        ({"table2": ["x\ny"]}, "shows.table2.0: expected an experiment of the table of this config"
                               " (cross-model), found 'x\\ny'"),
        ({"table2": ["cross-training-set"]}, "shows.table2.0: expected an experiment of the table "
                                             "of this config (cross-model), found 'cross-training"),
        ({"table2": ["halves-*"]}, "shows.table2.0: expected an experiment of the table, or a "
                                   "pattern that matches one (cross-model), found 'halves-*'; "),
    ],
)  # fmt: skip
def test_experiments_that_stand_for_a_printed_table_are_named_rightly(raw, shows, told):
    assert table_fault(raw, images=256, shows=shows).startswith(told)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, ": expected the setting 'images' of multiverse (number of images that were attacked "
             "for the printed tables), found none; add it"),
        ({"images": 0}, "images: expected at least 1 (number of images that were attacked for the "
                        "printed tables), found 0"),
        ({"images": {"gaussian-*": 1000, "table2/noise-*": 1}},
         "images.table2/noise-*: expected a printed row or a pattern that matches one (table1/FC1"),
        ({"images": 1, "spread": {"FC1": 0.1}}, "spread.FC1: expected a printed row or a pattern"),
        ({"images": 1, "errors_of": {"table2": "table0"}},
         "errors_of.table2: expected a table of printed figures of this config"),
        ({"images": 1, "same_images": ["tset"]},
         "same_images.0: expected a part of the split (train, P1, P2, validation, test), found "
         "'tset'; did you mean 'test'?"),
        ({"images": 1, "averages": ["mean", "mean"]}, "averages: expected no entry twice"),
        ({"images": 1, "show": "cell"}, "show: expected one of readings, cells, rows, undecided"),
        ({"images": 1, "readings": {}}, "readings: expected shows, with experiments that have a "
         "reading of their own, found a key of an earlier edition; replace it"),
        ({"images": 1, "renamed": {}}, "renamed: expected nothing in its place, as nets and"),
        ({"images": 1, "under": {}}, "under: expected a setting of multiverse (averages, cells_of"),
    ],
)  # fmt: skip
def test_settings_of_a_table_of_readings_are_said_to_be_wrong_in_a_line(raw, settings, told):
    assert table_fault(raw, shows={"table2": ["cross-*"]}, **settings).startswith(told)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("{columns: [test, elsewhere], rows: {FC10-1e-4: [1, 2], other: [1, 2]}}", None),
        ("{columns: [test], rows: {fc: [1], 'FC 50': [2]}}", "row of table1 in"),
        ("{columns: [tset], rows: {FC10-1e-4: [1]}}", "column of table1 in"),
    ],
)
def test_printed_figures_have_a_place_in_their_table(raw, tmp_path, table, told):
    (tmp_path / "p.yaml").write_text(f"table1: {table}\n", "utf-8")
    raw["printed"] = str(tmp_path / "p.yaml")
    raw["tables"]["table1"]["paper"] = "table1"
    if told is None:
        check(raw, SCHEMA)
        return
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA, "my.yaml")
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"my.yaml: tables.table1.paper: expected a {told}")


def test_a_config_can_name_the_parts_of_every_split():
    assert parts_of({}) == [*splits.SUBSETS]


def test_claims_and_readings_of_a_users_analysis_are_its_own(raw, tmp_path, monkeypatch):
    (tmp_path / "claims_lab.py").write_text("def judge(clean, *, claims, readings): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    raw["tables"]["mine"] = {
        "method": "claims_lab:judge", "experiment": "cross-model", "claims": 5, "readings": [1],
    }  # fmt: skip
    assert check(raw, SCHEMA)["tables"]["mine"]["claims"] == 5
