"""The section `measurements` of a config."""

import copy

import pytest
import yaml

from blindspots.config.check import check
from blindspots.interface import InputError
from tests.config.test_check import ROOT, SCHEMA, fault


@pytest.fixture
def of_units():
    return yaml.safe_load((ROOT / "presets/units.yaml").read_text("utf-8"))


def test_numbers_in_margins_are_converted_and_the_given_config_is_left_alone(of_units):
    of_units["tables"]["verdicts"]["margins"] = {"auc": "1e-2"}
    before = copy.deepcopy(of_units)
    assert check(of_units, SCHEMA)["tables"]["verdicts"]["margins"]["auc"] == 0.01
    assert of_units == before


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        (["measurements", "lenet", "rotation"], 9, ["lenet", "'rotation'", "'rotations'"]),
        (["measurements", "lenet", "nets"], ["LeNet"], ["lenet.nets: expected a net", "'LeNet'"]),
        (["measurements", "lenet", "k"], 1, ["measurements.lenet.k: expected at least 2"]),
        (["measurements", "lenet", "arms"], ["pcs"], ["lenet.arms.0: expected one of random"]),
        (["measurements", "lenet", "layers"], "some", ["lenet.layers: expected", "'some'"]),
        (["measurements", "lenet", "part"], "tset", ["lenet.part: expected one of train"]),
        (
            ["measurements", "lenet", "parents", "reference"],
            "LeNet-ReLU",
            ["lenet.parents.reference: expected a net that is not measured, found LeNet-ReLU"],
        ),
        (
            ["tables", "verdicts", "measurement"],
            "lnet",
            ["verdicts.measurement: expected a measurement", "'lenet'"],
        ),
        (
            ["tables", "verdicts"],
            {"method": "transfer", "measurement": "lenet"},
            ["verdicts.method: expected to read tables (units, unit_rotations", "'transfer'"],
        ),
        (["tables", "verdicts", "margins", "purity"], 0, ["margins.purity: expected more than 0"]),
        (["tables", "verdicts", "margins", "prity"], 1, ["margins: expected keys", "purity"]),
        (["tables", "arms", "margins"], {}, ["tables.arms", "'margins'"]),
    ],
)
def test_a_fault_is_one_line(of_units, path, value, parts):
    for name in ("verdicts-raw", "verdicts-whitened", "equivalence-p"):  # an alias of the first's
        del of_units["tables"][name]
    message = fault(of_units, *path, value=value)
    assert len(message.splitlines()) == 1
    for part in parts:
        assert part in message


def test_more_experiments_are_of_an_experiment(of_units):
    of_units["tables"]["arms"]["more_experiments"] = ["any"]
    with pytest.raises(InputError, match="more_experiments: expected none beside measurement"):
        check(of_units, SCHEMA)


def test_what_a_table_reads_is_measured_of_its_experiments_without_an_entry(of_units):
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    found = check(raw, SCHEMA)["measurements"]
    assert found["transfer"]["experiments"] == ["cross-model", "cross-training-set"]
    assert found["sweep"]["experiments"] == ["cross-model"]
    assert found["layers"]["nets"] == ["FC10-1e-4", "FC10-1e-2", "FC50-50-10", "AE32-10"]
    assert "looseness" not in found
    raw["measurements"] = {"fine": {"method": "sweep", "distortions": [0.01, 0.02]}}
    assert "sweep" not in check(raw, SCHEMA)["measurements"]
    raw["measurements"]["coarse"] = {"method": "sweep", "distortions": [0.1]}
    with pytest.raises(InputError, match="expected one measurement that gives 'radii', found fine"):
        check(raw, SCHEMA)


def test_a_measurement_of_the_run_that_asks_for_a_networks_shape_needs_the_network(
    tmp_path, monkeypatch
):
    (tmp_path / "of_the_run.py").write_text(
        "from blindspots.measurements.contract import measurement\n\n\n"
        '@measurement("run", tables=("mine",))\ndef f(nets, shape): ...\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    raw["measurements"] = {"own": {"method": "of_the_run:f"}}
    with pytest.raises(InputError, match=r"measurements\.own: expected the key 'model'"):
        check(raw, SCHEMA)


def test_an_entry_of_any_name_is_left_as_it_is():
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    given = {"method": "operators", "model": {"method": "mlp", "hidden": [4]}} | {
        "shape": [1, 8, 8], "classes": 10,
    }  # fmt: skip
    raw["measurements"] = {name: dict(given) for name in ("transfer", "transfer.default")}
    found = check(raw, SCHEMA)["measurements"]
    assert {found[name]["method"] for name in raw["measurements"]} == {"operators"}
    assert found["transfer.default.default"]["method"] == "transfer"
    raw["measurements"]["transfer"]["experiments"] = "all"
    with pytest.raises(InputError, match=r"transfer\.experiments: expected none") as error:
        check(raw, SCHEMA)
    assert len(str(error.value).splitlines()) == 1


def test_what_a_table_reads_is_measured_of_its_experiment():
    raw = yaml.safe_load((ROOT / "presets/digits.yaml").read_text("utf-8"))
    raw["measurements"] = {"some": {"method": "transfer", "experiments": ["cross-model"]}}
    raw["measurements"]["norms"] = {"method": "layers", "nets": ["AE32"]}
    named = {"experiment": "cross-training-set"}
    raw["tables"] = {"t": {"method": "transfer"} | named, "l": {"method": "layers"} | named}
    raw["figures"] = {}
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    first, second = str(error.value).splitlines()
    assert "tables.t: expected 'transfer' of cross-training-set, which measurements.some" in first
    assert "tables.l: expected 'lipschitz' of nets of cross-training-set, found that" in second
