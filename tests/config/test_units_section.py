"""The config's section `units`."""

import copy

import pytest
import yaml

from blindspots.config.check import MARGINS, check
from blindspots.interface import InputError
from tests.config.test_check import ROOT, SCHEMA, fault


@pytest.fixture
def of_units():
    return yaml.safe_load((ROOT / "presets/units.yaml").read_text("utf-8"))


def test_numbers_in_the_section_units_are_converted_and_the_given_config_is_left_alone(of_units):
    of_units["units"]["lenet"]["margins"] = {"auc": "1e-2"}
    del of_units["units"]["lenet"]["k"]
    before = copy.deepcopy(of_units)
    assert check(of_units, SCHEMA)["units"]["lenet"]["margins"]["auc"] == 0.01
    assert of_units == before


def test_what_an_entry_of_units_leaves_out_is_filled_in(of_units):
    of_units["units"]["lenet"] = {"nets": ["LeNet-ReLU"], "n": 500, "margins": {"auc": 0.5}}
    found = check(of_units, SCHEMA)["units"]["lenet"]
    assert (found["layers"], found["k"], found["rotations"]) == ("all", 9, 99)
    assert found["projected_n"] == found["probe_n"] == 500
    assert found["margins"] == MARGINS | {"auc": 0.5}


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        (["units", "lenet", "rotation"], 9, ["units.lenet", "'rotation'", "'rotations'"]),
        (["units", "lenet", "nets"], ["LeNet"], ["units.lenet.nets: expected a net", "'LeNet'"]),
        (["units", "lenet", "k"], 10000, ["units.lenet.k: expected less than n, 10000 images"]),
        (["units", "lenet", "arms"], ["pcs"], ["units.lenet.arms.0: expected one of random"]),
        (["units", "lenet", "layers"], "some", ["units.lenet.layers", "'some'"]),
        (["units", "lenet", "part"], "train", ["units.lenet.part: expected one of test"]),
        (["units", "lenet", "projected_n"], 20000, ["projected_n: expected at most n, 10000"]),
        (["units", "lenet", "margins", "purity"], 0, ["margins.purity: expected more than 0"]),
        (["units", "lenet", "margins", "prity"], 1, ["units.lenet.margins", "'purity'"]),
        (["units", "lenet", "reference", "net"], "FC2", ["reference.net: expected", "'FC200'"]),
        (
            ["units", "lenet", "reference", "net"],
            "LeNet-ReLU",
            ["reference.net: expected a net that is not measured, found LeNet-ReLU"],
        ),
        (["tables", "verdicts", "units"], "lnet", ["verdicts.units: expected an entry", "'lenet'"]),
        (
            ["tables", "verdicts"],
            {"method": "units"},
            ["tables.verdicts: expected one of the keys experiment, operators, units, found none"],
        ),
        (
            ["tables", "verdicts"],
            {"method": "transfer", "units": "lenet"},
            ["verdicts.method: expected to read tables (units, unit_rotations", "'transfer'"],
        ),
        (["tables", "verdicts", "margins"], {}, ["tables.verdicts", "'margins'"]),
    ],
)
def test_a_fault_of_units_is_one_line_too(of_units, path, value, parts):
    message = fault(of_units, *path, value=value)
    assert len(message.splitlines()) == 1
    for part in parts:
        assert part in message


def test_more_experiments_are_of_an_experiment(of_units):
    of_units["tables"]["verdicts"]["more_experiments"] = ["any"]
    with pytest.raises(InputError, match="more_experiments: expected none beside units"):
        check(of_units, SCHEMA)
