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


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        (None, "readings: expected a mapping of keys (experiments that stand for the printed"),
        ([1], "readings: expected a mapping of keys (experiments that stand for the printed"),
        ({"x": "y"}, "readings.x: expected a mapping of keys"),
        ({"x": {"table2": 3}}, "readings.x.table2: expected text"),
        (
            {"x": {"table9": "cross-model"}},
            "readings.x.table9: expected a table of printed figures",
        ),
        ({"x\ny": {"table2": "cross-modle"}}, "readings.'x\\ny'.table2: expected an experiment of"),
    ],
)
def test_readings_of_another_type_are_refused_in_a_line(raw, readings, told):
    raw["printed"] = "papers/szegedy2013/printed.yaml"
    value = {
        "method": "multiverse", "experiment": "cross-model", "readings": readings, "images": 256,
    }  # fmt: skip
    message = fault(raw, "tables", "readings", value=value)
    assert f"tables.readings.{told}" in message
    assert len(message.splitlines()) == 1


def test_a_table_of_readings_without_the_papers_images_says_what_they_are(raw):
    raw["printed"] = "papers/szegedy2013/printed.yaml"
    readings = {"x": {"table2": "cross-model"}}
    value = {"method": "multiverse", "experiment": "cross-model", "readings": readings}
    assert fault(raw, "tables", "readings", value=value) == (
        "my.yaml: tables.readings: expected the setting 'images' of multiverse (number of images "
        "that were attacked for the printed tables), found none; add it"
    )


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
