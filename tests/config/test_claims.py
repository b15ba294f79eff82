"""The claims of verdicts, and the readings of a multiverse."""

from typing import get_args, get_type_hints

import pytest

from blindspots.analyses import multiverse, printed, verdicts
from blindspots.config.check import check
from blindspots.files import splits
from blindspots.interface import InputError
from tests.config.test_check import SCHEMA, fault
from tests.configs import full


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


CLAIM = {
    "claim": "it holds", "measure": "success", "experiment": "cross-model", "at_least": 1,
    "weakly": 0,
}  # fmt: skip


def faults_of_claims(raw, *claims, **others):
    """The lines for claims of a table, without what they begin with."""
    raw["tables"]["verdicts"] = {
        "method": "verdicts", "experiment": "cross-model",
        "more_experiments": ["cross-training-set"], "claims": list(claims), **others,
    }  # fmt: skip
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    start = "config: tables.verdicts.claims"
    assert all(line.startswith(start) for line in str(error.value).splitlines())
    return [line.removeprefix(start) for line in str(error.value).splitlines()]


def test_claims_name_experiments_of_their_table_and_one_margin(raw):
    (line,) = faults_of_claims(raw, CLAIM, CLAIM | {"claim": "it does", "at_most": 3})
    assert line.startswith(".1: expected either at_least or at_most (what is claimed")
    (line,) = faults_of_claims(raw, CLAIM | {"experiment": "cross-modle"})
    assert line.startswith(".0.experiment: expected an experiment of the table")
    assert line.endswith("did you mean 'cross-model'?")
    (line,) = faults_of_claims(raw, CLAIM, CLAIM | {"at_least": 2})
    assert line.startswith(": expected no claim twice (what is claimed")


def test_what_a_claim_is_of_is_there(raw):
    of = [
        {"claim": "a", "measure": "error by a control", "of": "gaussian-0.2"},
        {"claim": "b", "measure": "advantage of a victim"},
        {"claim": "c", "measure": "error beyond clean", "of": 0.2},
        {"claim": "d", "measure": "success", "of": "FC10-1e-4"},
        {"claim": "e", "measure": "error beyond clean"},
        {"claim": "f", "measure": "error beyond clean", "of": 0.3},
    ]
    where = {"experiment": "cross-training-set"}
    victims = raw["experiments"]["cross-training-set"]["victims"]
    raw["experiments"]["cross-training-set"]["amplify"] = [0.3]
    found = faults_of_claims(raw, *(CLAIM | where | each for each in of))
    assert found == [
        ".0.of: expected a control (gaussian-0.1), found 'gaussian-0.2'",
        f".1.of: expected a victim ({', '.join(victims)}), found None",
        ".2.of: expected none, or a distortion that images are amplified to (0.3), found 0.2",
        ".3.of: expected none beside this measure, found 'FC10-1e-4'",
    ]


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        (5, "expected a list (what is claimed of its experiments), found 5"),
        (None, "expected a list (what is claimed of its experiments), found None"),
        ([], "expected at least 1 entry (what is claimed of its experiments), found []"),
        (["it holds"], ".0: expected a mapping of keys (what is claimed"),
        ([CLAIM | {"at_least": "much"}], ".0.at_least: expected a number (what is claimed"),
        ([CLAIM | {"measure": "sucess"}], ".0.measure: expected one of success, largest"),
        ([{k: v for k, v in CLAIM.items() if k != "weakly"}], ".0: expected the key 'weakly'"),
    ],
)
def test_claims_of_another_type_are_refused_in_a_line(raw, claims, told):
    value = {"method": "verdicts", "experiment": "cross-model", "claims": claims}
    message = fault(raw, "tables", "verdicts", value=value)
    assert f"tables.verdicts.claims{told}".replace("claimsexp", "claims: exp") in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        (None, "readings: expected a mapping of keys (for each reading of the paper"),
        ([1], "readings: expected a mapping of keys (for each reading of the paper"),
        ({"x": "y"}, "readings.x: expected a mapping of keys"),
        ({"x": {"table2": 3}}, "readings.x.table2: expected text"),
        ({"x": {"table9": "cross-model"}}, "readings.x: expected only the keys table2, table4"),
        ({"x\ny": {"table2": "cross-modle"}}, "readings.'x\\ny'.table2: expected an experiment of"),
    ],
)
def test_readings_of_another_type_are_refused_in_a_line(raw, readings, told):
    value = {"method": "multiverse", "experiment": "cross-model", "readings": readings}
    message = fault(raw, "tables", "readings", value=value)
    assert f"tables.readings.{told}" in message
    assert len(message.splitlines()) == 1


def test_annotations_have_the_measures_of_claims_and_the_tables_of_readings_and_of_the_paper():
    measure = get_type_hints(verdicts.Claim)["measure"]
    assert get_args(measure) == tuple(verdicts.MEASURES)
    assert get_type_hints(multiverse.Reading).keys() == multiverse.CLEAN.keys()
    assert set(get_args(printed.Printed)) == printed.TABLES.keys()
    assert get_args(splits.PartName) == tuple(splits.SUBSETS)


def test_claims_and_readings_of_a_users_analysis_are_its_own(raw, tmp_path, monkeypatch):
    (tmp_path / "claims_lab.py").write_text("def judge(clean, *, claims, readings): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    raw["tables"]["mine"] = {
        "method": "claims_lab:judge", "experiment": "cross-model", "claims": 5, "readings": [1],
    }  # fmt: skip
    assert check(raw, SCHEMA)["tables"]["mine"]["claims"] == 5
