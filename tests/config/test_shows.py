"""A table of readings takes one experiment of each reading for a printed table."""

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.shows import labels_under
from blindspots.interface import InputError
from tests.configs import SCHEMA

CONFIG = """\
data: digits
choices: {questions: {noise: {clipped: {}, free: {attacks: {gaussian: {clip: false}}}}}, readings: {printed: {}}}
reading: printed
nets: {FC: {model: {method: mlp, hidden: []}, trainer: {method: lbfgs, decay: 1e-3}}}
attacks: {closest: {}, gaussian: {std: 0.1}}
experiments: {e: {n: 8}, again: {n: 8, controls: gaussian, reading: [{noise: free}, {noise: clipped}]}}
printed: printed.yaml
tables:
  t:
    method: multiverse
    experiment: e
    more_experiments: ["again-*"]
    shows: {table2: [e, "again-*"]}
    errors_of: {table2: table1}
    images: 8
"""  # noqa: E501


@pytest.fixture
def given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "printed.yaml").write_text(
        "table1: {columns: [test], rows: {FC: [3]}}\ntable2: {columns: [FC], rows: {FC: [100]}}\n"
        "table3: {columns: [FC], rows: {FC: [100]}}\n"
    )
    return yaml.safe_load(CONFIG)


def test_one_experiment_of_each_reading_is_enough(given):
    assert "t" in check(given, SCHEMA, run="short")["tables"]


def test_an_experiment_repeated_under_the_runs_own_reading_is_not_another_one(given):
    given["experiments"]["again"]["reading"] = ["printed", {"noise": "free"}]
    config = check(given, SCHEMA, run="short")
    names = ["e", "again-printed", "again-noise-free"]
    assert labels_under(names, config) == {"e": "printed", "again-noise-free": "noise: free"}


def test_two_experiments_of_a_reading_are_refused_before_anything_runs(given):
    given["experiments"]["e-more"] = {"n": 9}
    given["tables"]["t"] |= {"more_experiments": ["e-more", "again-*"], "shows": {"table2": ["*"]}}
    with pytest.raises(InputError) as error:
        check(given, SCHEMA, run="short")
    assert str(error.value) == (
        "config: tables.t.shows.table2: expected one experiment for each reading, found e and "
        "e-more for 'printed'; narrow it"
    )


def test_the_cells_that_are_shown_are_of_a_printed_table_that_is_scored(given):
    given["tables"]["t"] |= {"show": "cells", "cells_of": "table3"}
    with pytest.raises(InputError) as error:
        check(given, SCHEMA, run="short")
    assert str(error.value) == (
        "config: tables.t.cells_of: expected a printed table of shows and errors_of (table2, "
        "table1), found 'table3'; did you mean 'table2'?"
    )


def told(given):
    with pytest.raises(InputError) as error:
        check(given, SCHEMA, run="short")
    return str(error.value).splitlines()


def test_every_printed_row_of_the_experiments_has_a_number_of_images(given, tmp_path):
    (tmp_path / "printed.yaml").write_text(
        "table1: {columns: [test], rows: {FC: [3], FC7: [3], gaussian: [3]}}\n"
        "table2: {columns: [FC], rows: {FC: [100], FC amplified to 0.1: [100], gaussian: [1]}}\n"
        "table3: {columns: [FC], rows: {FC: [100]}}\n"
    )
    given["experiments"]["e"] |= {"controls": "gaussian", "amplify": [0.1]}
    given["tables"]["t"]["images"] = {"gaussian": 8}
    expected = "config: tables.t.images: expected a number for every printed row, found none for "
    assert told(given) == [
        f'{expected}{row}; add one for it, or for "*", all others'
        for row in ("table2/FC", "table2/FC amplified to 0.1", "table1/FC")
    ]
    for images in ({"gaussian": 8, "FC*": 9}, {"*": 8}, {"table?/*": 8}):
        given["tables"]["t"]["images"] = images
        assert check(given, SCHEMA, run="short")["tables"]["t"]["images"] == images
    given["tables"]["t"] |= {"images": {"gaussian": 8}, "without": ["FC amplified*"]}
    assert [line[len(expected) :].partition(";")[0] for line in told(given)] == [
        "table2/FC", "table1/FC"
    ]  # fmt: skip
    del given["tables"]["t"]["without"]
    given["experiments"]["e"]["amplify"] = []  # a printed row that the run has not needs none
    assert [line[len(expected) :].partition(";")[0] for line in told(given)] == [
        "table2/FC", "table1/FC"
    ]  # fmt: skip


@pytest.mark.parametrize("without", ["*", "FC*"])  # of the noise's row no column is left
def test_printed_rows_are_left(given, tmp_path, without):
    text = (tmp_path / "printed.yaml").read_text()
    (tmp_path / "printed.yaml").write_text(text.replace("{FC: [100]}", "{FC: [9], gaussian: [1]}"))
    given["experiments"]["e"]["controls"] = "gaussian"
    given["tables"]["t"]["without"] = [without]
    assert told(given) == [
        "config: tables.t: expected printed rows of table2 that the experiments have and without "
        "does not leave out, found none; name fewer in without"
    ]
    given["tables"]["t"] |= {"without": [], "errors_of": {}}
    given["nets"]["FD"] = given["nets"].pop("FC")
    given["experiments"]["e"]["controls"] = []
    assert told(given)[0].endswith("found none; correct shows")
