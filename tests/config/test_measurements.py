"""The section `measurements` of a config."""

import copy
import json

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.needs import least_of
from blindspots.interface import InputError
from tests.configs import ROOT, SCHEMA, fault, full


@pytest.fixture
def of_units():
    read = yaml.safe_load((ROOT / "papers/szegedy2013/units.yaml").read_text("utf-8"))
    return json.loads(json.dumps(read))  # without aliases, so that a change is of one place


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
        (["measurements", "lenet", "k"], 10**6, ["lenet.k: expected at most ", "found 1000000"]),
        (
            ["measurements", "lenet", "projected_n"],
            10**6,
            ["lenet.projected_n: expected at most ", "found 1000000"],
        ),
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
            ["verdicts.method: expected tables as parameters (units, unit_rotations", "'transfer'"],
        ),
        (["tables", "verdicts", "margins", "purity"], 0, ["margins.purity: expected more than 0"]),
        (["tables", "verdicts", "margins", "prity"], 1, ["margins: expected keys", "purity"]),
        (["tables", "arms", "margins"], {}, ["tables.arms", "'margins'"]),
        (["tables", "arms", "scaling"], "row", ["arms.scaling: expected one of raw, matched"]),
        (["tables", "factors", "scaling"], "Raw", ["factors.scaling: expected one of raw"]),
        (["tables", "effects", "show"], "verdcit", ["effects.show: expected one of verdict, diff"]),
        (["tables", "effects", "scaling"], "row", ["effects.scaling: expected one of raw"]),
        (["figures", "purity", "measure"], "prity", ["purity.measure: expected one of purity"]),
        (["figures", "purity", "scaling"], "row", ["purity.scaling: expected one of raw"]),
        (["figures", "figure2", "arm"], "pca", ["figure2.arm: expected one of units, random"]),
    ],
)
def test_a_fault_is_one_line(of_units, path, value, parts):
    message = fault(of_units, *path, value=value)
    assert len(message.splitlines()) == 1
    for part in parts:
        assert part in message


def without_primary(config):
    return {k: v for k, v in config["tables"]["verdicts"].items() if k != "primary"}


def test_too_few_rotations_for_the_cells_of_a_table_are_one_line(of_units):
    of_units["tables"]["all-cells"] = without_primary(of_units)
    message = fault(of_units, "measurements", "lenet", "rotations", value=2878)
    assert message.splitlines() == [
        "my.yaml: measurements.lenet.rotations: expected at least 2879 for tables.all-cells, "
        "found 2878; corrected p values need 20 per cell of the table, less 1, and no "
        "fewer than 999; raise it, measure fewer layers, or set untrained: false or correct: false "
        "in the table"
    ]


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ({"untrained": True}, 20 * (2 * 9 * 8 * 2) - 1),
        ({"untrained": True, "primary": {"layer": "10", "measure": "purity"}}, 20 * 286 - 1),
        ({"correct": False}, 0),
        ({"show": "difference", "untrained": True}, 0),
        ({"show": "equivalence p", "untrained": True}, 0),
        ({"show": "rotation p"}, 2879),
    ],
)
def test_the_rotations_that_a_table_needs_are_20_per_cell_that_it_corrects_for(
    of_units, change, least
):
    of_units["tables"] = {"one": without_primary(of_units) | change}
    del of_units["claims"]
    config = check(of_units, SCHEMA)["measurements"]["lenet"] if least <= 2879 else None
    found, _ = least_of(of_units["tables"]["one"], config or of_units["measurements"]["lenet"])
    assert found == {"rotations": least}


def test_no_table_needs_fewer_than_999_rotations_and_unnamed_layers_count_as_one(of_units):
    entry = of_units["measurements"]["lenet"] | {"layers": "all"}
    assert least_of(without_primary(of_units), entry)[0] == {"rotations": 999}


def test_more_experiments_are_of_an_experiment(of_units):
    of_units["tables"]["arms"]["more_experiments"] = ["any"]
    with pytest.raises(InputError, match="more_experiments: expected none with measurement"):
        check(of_units, SCHEMA)


def test_more_experiments_have_one_attack_each():
    raw = full("presets/digits.yaml")
    several = raw["experiments"]["cross-training-set"]
    first = several.pop("attack")
    raw["attacks"]["second"] = raw["attacks"][first]
    several["attacks"] = [first, "second"]
    table = {"method": "errors", "experiment": "cross-model", "parts": ["test"]}
    table["more_experiments"] = ["cross-training-set"]
    assert fault(raw, "tables", "errors", value=table) == (
        "my.yaml: tables.errors.more_experiments: expected experiments with one attack each, found "
        "cross-training-set; make one for each of its attacks"
    )


def test_what_a_table_reads_is_measured_of_its_experiments_without_an_entry(of_units):
    raw = full("presets/digits.yaml")
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


OWN = """
from blindspots.measurements.contract import measurement
@measurement("net", table=("a",))
def misspelt(model): ...
@measurement()
def of_nothing(model): ...
@measurement(["net"], tables=("a",))
def of_several(model): ...
@measurement("net", tables="norms")
def of_one_text(model): ...
@measurement("net", tables=5)
def of_a_number(model): ...
@measurement("net", tables=("a",), memory="4GB")
def with_a_unit(model): ...
@measurement("run", tables=("b",))
def beside(parents): ...
@measurement("experiment", tables=("lengths",))
def lengths(data): ...
def of_lengths(lengths): ...
@measurement("net", tables=("d",))
def late(model, *, chunk): ...
@measurement("run", tables=("d",))
def alike(network, *, train: float): ...
@measurement("experiment", tables=("d",), rows=lambda images, settings: images * settings["k"])
def by_k(victims, *, k=None, distortions): ...
@measurement("experiment", tables=("d",), rows=lambda images, s: images * len(s["distortions"]))
def by_distortions(victims, *, distortions): ...
@measurement("run", tables=("d",), rows=lambda images, settings: images * settings["k"])
def by_a_named_k(nets, *, k: int = MANY): ...
@measurement("run", tables=("d",), rows=lambda images, settings: images * settings["kk"])
def by_a_misspelt_k(nets, *, k: int = 3): ...
@measurement("net", tables=("d",), rows=lambda images: images)
def by_images(model): ...
@measurement("net", tables=("d",), rows=lambda images, settings: None)
def by_nothing(model): ...
@measurement("run", tables=("d",), rows=lambda images, settings: settings["most"] - images)
def by_what_is_left(nets, *, most: int): ...
@measurement("run", tables=("d",), rows=lambda images, settings: images * 1e999)
def by_infinity(nets): ...
"""


@pytest.fixture
def raw(tmp_path, monkeypatch):
    (tmp_path / "lab_of_measurements.py").write_text(OWN, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return full("presets/digits.yaml")


def own(method, **rest):
    return {"method": f"lab_of_measurements:{method}"} | rest


@pytest.mark.parametrize(
    ("method", "part"),
    [
        ("misspelt", "expected a decorator with subject, tables, pictures, memory, runtime, rows, "
         "gpu, chance, found table; did you mean 'tables'?"),
        ("of_nothing", "expected one of net, experiment, run as subject, found none"),
        ("of_several", "expected one of net, experiment, run as subject, found ['net']"),
        ("of_one_text", "tables: expected a tuple of names, found 'norms'; write ('norms',)"),
        ("of_a_number", "tables: expected a tuple of names, found 5"),
        ("with_a_unit", "memory: expected a number above 0, or a lambda of n, pixels, classes and "
         "chunk that gives one, found '4GB'"),
    ],
)  # fmt: skip
def test_a_fault_of_a_declaration_is_one_line(raw, method, part):
    found = fault(raw, "measurements", value={"mine": own(method)})
    key = f"my.yaml: measurements.mine.method: lab_of_measurements:{method}: "
    assert found == f"{key}{part}"


@pytest.mark.parametrize(
    ("method", "found"),
    [
        ("by_k", "one that raises TypeError: "),
        ("by_a_named_k", "one that raises KeyError: 'k'; write the default of this setting as a"),
        ("by_a_misspelt_k", "one that raises KeyError: 'kk'; correct it"),
        ("by_images", "one that raises TypeError: "),
        ("by_nothing", "one that gives None"),
        ("by_what_is_left", "one that gives -1"),
        ("by_infinity", "one that gives inf"),
    ],
)
def test_rows_that_are_no_number_are_a_fault_before_the_run(raw, method, found):
    most = {"most": 63} if method == "by_what_is_left" else {}
    line = fault(raw, "measurements", value={"mine": own(method, **most)})
    key = f"my.yaml: measurements.mine.method: lab_of_measurements:{method}: "
    assert line.startswith(f"{key}rows: expected a lambda of images and settings that gives a num")
    assert f", found {found}" in line and len(line.splitlines()) == 1


def test_rows_may_depend_on_the_keys_of_the_experiment_and_on_the_entrys_settings(raw):
    raw["measurements"] = {"one": own("by_distortions"), "two": own("by_k", k=0)}
    check(raw, SCHEMA)


def test_a_left_out_setting_on_which_the_rows_depend_is_one_fault(raw):
    found = fault(raw, "measurements", value={"mine": own("by_what_is_left")})
    assert found.startswith("my.yaml: measurements.mine: expected the setting 'most' of")
    assert len(found.splitlines()) == 1


def test_an_input_among_the_settings_is_to_be_moved(raw):
    method = "lab_of_measurements:late"
    assert fault(raw, "measurements", value={"mine": own("late")}) == (
        "my.yaml: measurements.mine.method: expected the input 'chunk' among the positional "
        f"parameters of {method}, found it after a *; move it before the *"
    )


def test_a_setting_named_like_an_input_of_another_subject_is_a_setting(raw):
    model = {"model": {"method": "mlp", "hidden": []}, "shape": [1, 2, 2], "classes": 2}
    found = fault(raw, "measurements", value={"mine": own("alike", **model)})
    assert found == (
        "my.yaml: measurements.mine: expected the setting 'train' of lab_of_measurements:alike, "
        "found none; add it"
    )


def test_a_measurement_that_asks_for_no_nets_may_have_any_as_parents(raw):
    raw["measurements"] = {"mine": own("beside", parents={"judge": "FC10-1e-4"})}
    check(raw, SCHEMA)
    found = fault(raw, "measurements", "mine", "parents", value={"judge": "FC11"})
    assert found.startswith("my.yaml: measurements.mine.parents.judge: expected a net")


def test_what_an_entry_measures_of_one_experiment_is_measured_of_the_others_without_it(raw):
    one, other = "cross-training-set", "cross-model"
    raw["measurements"] = {
        "fine": {"method": "sweep", "experiments": [one]},
        "transfer": {"method": "transfer", "experiments": [one]},
        "transfer.default": own("beside"),
    }
    found = check(raw, SCHEMA)["measurements"]
    assert found["fine"]["experiments"] == found["transfer"]["experiments"] == [one]
    assert found["sweep"]["experiments"] == [other]
    assert found["transfer.default"]["method"].endswith("beside")
    assert found["transfer.default.default"]["experiments"] == [other]


def test_a_table_of_an_experiment_that_no_entry_is_of_is_one_line(raw):
    raw["measurements"] = {"mine": own("lengths", experiments=["cross-training-set"])}
    raw["claims"] = None
    raw["tables"] = {"short": own("of_lengths", experiment="cross-training-set")}
    check(raw, SCHEMA)
    found = fault(raw, "tables", "short", "experiment", value="cross-model")
    assert found == (
        "my.yaml: tables.short: expected a measurement of cross-model that gives 'lengths', found "
        "none; add it to measurements.mine"
    )


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"method": "layers", "n": 8}, "n: expected none for layers, which does not ask for data"),
        ({"method": "layers", "data": "digits"}, "data: expected none for layers, which does not"),
        (own("beside", nets=["AE32"]), "nets: expected none for lab_of_measurements:beside, which"),
        (own("beside", nets="all"), "nets: expected none for lab_of_measurements:beside, which"),
        (own("lengths", nets=["AE32"]), "nets: expected none for lab_of_measurements:lengths, who"),
    ],
)
def test_a_key_that_a_measurement_does_not_ask_for_is_refused(raw, entry, part):
    found = fault(raw, "measurements", value={"mine": entry})
    assert found.startswith(f"my.yaml: measurements.mine.{part}")
    assert len(found.splitlines()) == 1


def test_a_measurement_of_the_run_that_asks_for_a_networks_shape_needs_the_network(
    tmp_path, monkeypatch
):
    (tmp_path / "of_the_run.py").write_text(
        "from blindspots.measurements.contract import measurement\n\n\n"
        '@measurement("run", tables=("mine",))\ndef f(nets, shape): ...\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    raw = full("presets/digits.yaml")
    raw["measurements"] = {"own": {"method": "of_the_run:f"}}
    with pytest.raises(InputError, match=r"measurements\.own: expected the key 'model'"):
        check(raw, SCHEMA)


def test_an_entry_of_any_name_is_left_as_it_is():
    raw = full("presets/digits.yaml")
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
