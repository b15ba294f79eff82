"""Optional keys of a config are filled in; what is written stays what it is."""

import copy
from pathlib import Path

import pytest
from snakemake.utils import update_config

from blindspots.config.check import check
from blindspots.config.reading import laid_over
from tests.configs import ROOT, RUNS, SCHEMA, full, short


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


def test_every_config_of_the_project_is_of_a_run():
    data = {"choices.yaml", "claims.yaml", "printed.yaml"}
    there = [path for path in (ROOT / "papers").glob("*/*.yaml") if path.name not in data]
    named = {ROOT / file for files in RUNS for file in files}
    assert [path for path in there if path not in named] == []


@pytest.mark.parametrize("paths", RUNS, ids=lambda paths: paths[-1])
def test_every_config_of_the_project_is_right(paths):
    check(short(*paths), SCHEMA, run=Path(paths[0]).stem)


def test_a_config_is_laid_over_another_key_by_key_as_snakemake_does():
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 3}
    over = {"a": {"y": [5], "z": {"w": 1}}, "c": 4}
    expected = copy.deepcopy(base)
    update_config(expected, over)
    assert laid_over(base, over) == expected
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 3}


def test_optional_keys_are_filled_in_and_the_given_config_is_left_alone(raw):
    before = copy.deepcopy(raw)
    checked = check(raw, SCHEMA)
    assert raw == before
    assert checked["nets"]["FC50-50-10"]["label"] == "FC50-50-10"
    assert checked["experiments"]["cross-training-set"]["controls_n"] == 128
    plain = {"method": "digits", "root": None, "data": None, "parents": {}}
    assert checked["datasets"] == {"digits": plain} and "data" not in checked
    for section in ("nets", "experiments"):
        assert {entry["data"] for entry in checked[section].values()} == {"digits"}
    assert "AE32" not in checked["certificates"]["product"]["nets"]


def test_names_that_look_like_numbers_stay_names(raw):
    raw["nets"]["1e-4"] = raw["nets"].pop("FC10-1e-4")
    raw["nets"]["1e-4"]["label"] = "1e-4"
    for role in ("sources", "victims"):
        nets = raw["experiments"]["cross-model"][role]
        nets[nets.index("FC10-1e-4")] = "1e-4"
    raw["figures"]["examples"]["panels"] = [{"source": "1e-4", "victim": "1e-4"}]
    raw["figures"]["examples"]["experiment"] = "cross-model"
    raw["certificates"]["product"]["nets"] = ["1e-4"]
    raw["nets"]["AE32-10"]["parents"] = {"encoder": "1e-4"}
    raw["measurements"] = {
        "u": {
            "method": "units", "nets": ["AE32"], "n": 100, "parents": {"reference": "1e-4"},
            "reference_layer": "1",
        }
    }  # fmt: skip
    checked = check(raw, SCHEMA)
    assert checked["nets"]["1e-4"]["label"] == "1e-4"
    assert checked["measurements"]["u"]["parents"] == {"reference": "1e-4"}
    assert checked["measurements"]["u"]["reference_layer"] == "1"


def test_numbers_that_yaml_takes_for_text_become_numbers(raw):
    assert raw["nets"]["FC10-1e-4"]["trainer"]["decay"] == "1e-4"
    checked = check(raw, SCHEMA)
    assert checked["nets"]["FC10-1e-4"]["trainer"]["decay"] == 1e-4


def test_a_config_laid_over_may_give_a_certificate_back_to_all_nets(raw):
    raw["certificates"]["product"]["nets"] = ["FC10-1e-4"]
    assert check(raw, SCHEMA)["certificates"]["product"]["nets"] == ["FC10-1e-4"]
    raw["certificates"]["product"]["nets"] = "all"
    checked = check(raw, SCHEMA)
    assert "FC50-50-10" in checked["certificates"]["product"]["nets"]


def test_a_net_that_a_certificate_does_not_take_is_left_out_unless_it_is_required(raw):
    raw["certificates"]["product"]["nets"] = ["FC10-1e-4"]
    raw["certificates"]["near"] = {"method": "local", "required": True}
    checked = check(raw, SCHEMA)
    assert not checked["certificates"]["product"]["required"]
    assert checked["certificates"]["near"]["required"]
