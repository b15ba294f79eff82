"""Faults of a config: each is one line, with its key, what was expected and what was found."""

import copy

import pytest

from blindspots.config.check import check
from blindspots.interface import InputError
from tests.configs import SCHEMA, fault, full


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


OPERATORS = {"method": "operators", "shape": [1, 8, 8], "classes": 2}


def test_the_parents_of_a_net_are_for_its_model_or_for_its_trainer(raw, tmp_path, monkeypatch):
    (tmp_path / "lab_of_teachers.py").write_text(
        "def distil(model, images, labels, *, parents): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    net = raw["nets"]["FC10-1e-4"]
    net["parents"] = {"teacher": "FC50-50-10"}
    found = fault(raw, "nets", "FC10-1e-4", value=net)
    assert "nets.FC10-1e-4.parents: expected none for mlp and lbfgs, found some; remove" in found
    distilled = net | {"trainer": {"method": "lab_of_teachers:distil"}}
    raw["nets"]["FC10-1e-4"] = distilled
    assert check(raw, SCHEMA)["nets"]["FC10-1e-4"]["parents"] == {"teacher": "FC50-50-10"}
    found = fault(raw, "nets", "FC10-1e-4", value=distilled | {"parents": {}})
    assert "FC10-1e-4: expected parents for lab_of_teachers:distil, found none; add" in found


def test_the_folder_of_a_users_dataset_is_one_of_its_settings(raw):
    def name(root):
        raw["data"] = {"method": "tests.nets:folder", "root": root}
        return next(iter(check(raw, SCHEMA)["datasets"]))

    assert name("a") == name("a") != name("b")
    with pytest.raises(InputError, match="data: expected the setting 'root' of"):
        name(None)


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        (
            ["sedes"],
            [0],
            ["my.yaml: sedes: expected only the keys", "'sedes'", "did you mean 'seeds'"],
        ),
        (["seeds"], [], ["seeds: expected at least 1"]),
        (["seeds"], [-1], ["seeds.0: expected at least 0", "found -1"]),
        (["seeds"], [2**31], ["seeds.0: expected at most 2147483647"]),
        (
            ["attacks", "gaussian-0.1", "method"],
            "gausian",
            ["attacks.gaussian-0.1.method: expected"],
        ),
        (["attacks", "gaussian-0.1", "std"], float("nan"), ["std: expected a finite number"]),
        (["run"], "a/b", ["run: expected letters, digits", "found 'a/b'"]),
        (["splits", "p1"], 1.5, ["splits.p1: expected at most 1 (images of P1)", "found 1.5"]),
        (["splits", "p1"], "half", ["splits.p1: expected", "found 'half'"]),
        (
            ["nets", "FC10-1e-4", "trainer", "decay"],
            -1,
            ["trainer.decay: expected at least 0", "-1"],
        ),
        (
            ["nets", "FC10-1e-4", "trainer", "decay"],
            [0, -2],
            ["trainer.decay.1: expected at least 0"],
        ),
        (["nets", "FC10-1e-4", "trainer", "dcay"], 1, ["FC10-1e-4.trainer", "'dcay'", "'decay'"]),
        (
            ["nets", "FC10-1e-4", "trainer", "method"],
            "lbgfs",
            ["trainer.method", "'lbgfs'", "'lbfgs'"],
        ),
        (["nets", "FC10-1e-4", "model", "method"], "no.such:net", ["model.method", "'no.such'"]),
        (
            ["nets", "FC10-1e-4", "model", "method"],
            "torch.nn:Nope",
            ["function 'Nope' in torch.nn"],
        ),
        (["nets", "FC10-1e-4", "trainer"], {"method": "lbfgs"}, ["expected the setting 'decay'"]),
        (["nets", "FC10-1e-4", "weights"], "w.pth", ["either trainer or weights, found both"]),
        (
            ["nets", "FC10-1e-4", "model"],
            {"method": "exported", "file": "theirs.pt2"},
            ["10-1e-4: expected a model alone, as its weights are in model.file; remove the rest"],
        ),
        (
            ["nets", "FC10-1e-4"],
            {"model": {"method": "exported"}},
            ["FC10-1e-4.model: expected the setting 'file' of exported"],
        ),
        (
            ["nets", "FC10-1e-4", "train_on"],
            "P3",
            ["train_on: expected one of train, P1, P2", "'P3'"],
        ),
        (["nets", "AE32-10", "parents"], {"encoder": "AE32-10"}, ["parents: expected no cycle"]),
        (
            ["nets", "AE32", "parents"],
            {"encoder": "FC50-50-10"},
            ["nets.AE32.parents: expected none for autoencoder"],
        ),
        (
            ["nets", "AE32-10", "parents"],
            {"encoder": "AE3"},
            ["parents.encoder", "'AE3'", "'AE32'"],
        ),
        (["nets", "no good"], {"model": {"method": "mlp"}}, ["nets: expected letters, digits"]),
        (["attacks", "lbfgs", "target"], "nearest", ["target: expected one of random, next"]),
        (["attacks", "lbfgs", "max_serches"], 3, ["attacks.lbfgs", "'max_searches'"]),
        (["tables", "table1", "parts"], ["tain"], ["parts.0: expected one of train, P1"]),
        (["attacks", "gaussian-0.1", "std"], -1, ["std: expected at least 0"]),
        (
            ["experiments", "cross-model", "attack"],
            "lbfg",
            ["attack: expected an attack", "'lbfgs'"],
        ),
        (
            ["experiments", "cross-training-set", "victims"],
            ["FC50"],
            ["victims: expected a net", "'FC50'"],
        ),
        (
            ["figures", "examples", "panels"],
            [{"source": "FC50-50-10-P1", "victim": "AE32-10"}],
            ["panels.0.source: expected a source of this experiment", "'FC50-50-10-P1'"],
        ),
        (
            ["experiments", "cross-training-set", "controls"],
            ["lbfgs"],
            ["controls: expected an attack that needs no model", "found lbfgs"],
        ),
        (["experiments", "cross-model", "n"], 0, ["n: expected at least 1", "found 0"]),
        (["experiments", "cross-model", "amplify"], [0], ["amplify.0: expected more than 0"]),
        (
            ["experiments", "cross-model", "amplify_by"],
            "net",
            ["amplify_by: expected one of image, all", "found 'net'"],
        ),
        (["tables", "table1", "experiment"], "cross", ["tables.table1.experiment", "'cross'"]),
        (["figures", "examples", "method"], "exampels", ["figures.examples.method", "'examples'"]),
        (
            ["tables", "table5"],
            {"method": "operators"},
            ["table5: expected one of the keys experiment, measurement, found none"],
        ),
        (
            ["tables", "table5"],
            {"method": "operators", "measurement": "alexnet"},
            ["tables.table5.measurement: expected a measurement", "'alexnet'"],
        ),
        (
            ["certificates", "product", "nets"],
            ["AE32"],
            ["certificates.product.nets: expected nets of the experiments, found AE32"],
        ),
        (
            ["measurements"],
            {"net": OPERATORS | {"model": {"method": "alexnet"}, "shape": [3, 0]}},
            ["measurements.net.shape.1: expected at least 1"],
        ),
        (
            ["measurements"],
            {"net": OPERATORS | {"model": {"method": "encoded"}}},
            ["measurements.net.model: expected a model without parents"],
        ),
        (["certificates", "product", "bound"], "eclips", ["bound: expected one of product, ecl"]),
        (
            ["tables", "table1"],
            {
                "method": "contrasts",
                "experiment": "cross-model",
                "parts": ["test"],
                "against": ["FC10"],
            },
            ["table1.against.0: expected a net of this experiment", "found 'FC10'"],
        ),
        (  # a search is judged by the validation part alone
            ["tables", "table1"],
            {"method": "search", "experiment": "cross-model", "part": "test"},
            ["tables.table1.part: expected a setting of search (none), found 'part'"],
        ),
        (["lipschitz"], {"nets": "all"}, ["lipschitz: expected", "method: layers"]),
        (["operators"], {}, ["operators: expected measurements:", "method: operators"]),
        (["units"], {}, ["units: expected measurements:", "method: units"]),
        (["tables", "table1", "units"], "u", ["table1.units: expected measurement: NAME"]),
        (
            ["measurements"],
            {"a": {"method": "nothing"}},
            ["measurements.a.method: expected one of"],
        ),
        (
            ["measurements"],
            {"a": {"method": "layers", "experiments": ["cross-model"]}},
            ["measurements.a.experiments: expected none for layers, whose subject is the net"],
        ),
        (
            ["measurements"],
            {"a": {"method": "units"}},
            ["measurements.a: expected the key 'n' for units"],
        ),
        (
            ["measurements"],
            {"a": {"method": "looseness", "bounds": ["sharp"]}},
            ["measurements.a.bounds.0: expected one of product, eclipse, lipsdp"],
        ),
        (
            ["measurements"],
            {"fine": {"method": "sweep", "distortions": [0.1, 0]}},
            ["measurements.fine.distortions.1: expected more than 0"],
        ),
        (["machine", "device"], "tpu", ["device: expected one of auto, cpu, cuda", "found 'tpu'"]),
        (["data", "root"], "/data", ["data.root: expected none for digits"]),
    ],
)
def test_a_fault_is_one_line_with_the_key_what_was_expected_and_found(raw, path, value, parts):
    message = fault(raw, *path, value=value)
    assert len(message.splitlines()) == 1
    assert message.startswith("my.yaml: ")
    for part in parts:
        assert part in message


NONE = "expected a value or several, found none"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("experiments.own.clip", [], f"clip: {NONE}"),
        ("experiments.own.across_seeds", [], f"across_seeds: {NONE}"),
        ("experiments.own.amplify_by", [], f"amplify_by: {NONE}"),
        ("experiments.own.noise_draws", [], f"noise_draws: {NONE}"),
        ("experiments.own.data", [], f"data: {NONE}"),
        ("nets.FC10.data", [], f"data: {NONE}"),
        ("certificates.own.n", [], f"n: {NONE}"),
        ("certificates.own.required", [], f"required: {NONE}"),
        ("certificates.own.required", [True, {}], "required.1: expected one value, found {}"),
        ("certificates.own.required", ["x", True], "required.0: expected true or false"),
        ("measurements.own.n", [], f"n: {NONE}"),
        ("measurements.own.weights", [], f"weights: {NONE}"),
        ("attacks.own.target", [[1]], "target.0: expected one value, found [1]"),
        ("attacks.own.target", ["x", "any"], "target.0: expected one of random, next"),
        ("attacks.own.mask", [], f"mask: {NONE}"),
        ("attacks.own.mask", [1], "mask.0: expected text"),
        ("tables.own.measurement", [], f"measurement: {NONE}"),
        ("tables.own.experiment", [], f"experiment: {NONE}"),
        ("figures.own.measurement", [], f"measurement: {NONE}"),
        ("nets.FC10.trainer.decay", [], "trainer.decay: expected a value or several"),
    ],
)
def test_a_list_in_place_of_one_value_holds_values_that_would_do_alone(key, value, told):
    own = {
        "experiments": {"attack": "closest"},
        "certificates": {"method": "lipschitz"},
        "measurements": {"method": "units", "n": 8},
        "attacks": {"method": "closest"},
        "tables": {"method": "pockets"},
        "figures": {"method": "pockets"},
    }
    trainer = {"method": "lbfgs", "decay": 1e-4}
    raw = {
        "data": "digits",
        "nets": {"FC10": {"model": {"method": "mlp", "hidden": [10]}, "trainer": trainer}},
        "attacks": {"closest": {}},
        "experiments": {"all": {"attack": "closest"}},
    }
    section, name, *_ = key.split(".")
    raw.setdefault(section, {}).setdefault(name, own.get(section))
    message = fault(raw | {"run": "my"}, *key.split("."), value=value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"my.yaml: {section}.{name}.") and told in message


def test_the_folder_of_a_folder_of_images_is_named(raw):
    message = fault(raw, "data", value={"method": "folder"})
    assert message == (
        "my.yaml: data: expected the setting 'root' of folder (folder with the images), found "
        "none; add it"
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["nets", "AE32", "train_on"], "validation"),
        (["nets", "given", "expect"], {"error": 1, "part": "validation"}),
        (["experiments", "cross-model", "part"], "validation"),
        (["measurements", "own", "part"], "validation"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, list) else "",
)
def test_a_part_that_is_used_has_images(raw, path, value):
    model = {"method": "mlp", "hidden": []}
    raw["nets"]["given"] = {"model": model, "weights": "given.pth", "data": "digits"}
    raw.setdefault("measurements", {})["own"] = {"method": "units", "n": 64}
    whole = copy.deepcopy(raw)
    raw["splits"]["validation"] = 0
    key = ".".join([*path, "part"] if path[-1] == "expect" else path)
    assert fault(raw, *path, value=value) == (
        f"my.yaml: {key}: expected a part with images, found validation without any; enlarge it "
        "under splits, or name another"
    )
    *parents, last = path
    section = whole
    for name in parents:
        section = section[name]
    section[last] = value
    check(whole, SCHEMA)


def test_no_net_is_trained_on_the_images_that_errors_are_measured_on(raw):
    assert fault(raw, "nets", "AE32", "train_on", value="test") == (
        "my.yaml: nets.AE32.train_on: expected a part other than test, on whose images errors are "
        "measured, found test; name train, P1 or P2"
    )


@pytest.mark.parametrize("model", [{}, {"hidden": [1]}])
def test_a_model_of_a_measurement_names_its_method(raw, model):
    message = fault(raw, "measurements", value={"op": OPERATORS | {"model": model}})
    assert message == (
        "my.yaml: measurements.op.model: expected the key 'method', found none; add it"
    )


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("layers", "hidden", "layers: expected one of all, input"),
        ("layers", [-1], "layers"),
        ("kind", "nearest", "kind: expected one of closest, noise, sign"),
        ("strength", 0, "strength"),
        ("strength", [0.1, -0.1], "strength.1: expected more than 0"),
        ("turns", [1, 0], "turns.1: expected at least 1"),
        ("factor", 0, "factor: expected more than 0"),
        ("pool", 0, "pool: expected at least 1"),
        ("refresh", 0, "refresh: expected more than 0"),
        ("refresh", 1.1, "refresh: expected at most 1"),
        ("refresh_every", 0, "refresh_every: expected at least 1"),
        ("mix", 1, "mix: expected less than 1"),
        ("begin", -1, "begin: expected at least 0"),
        ("dropout_input", 1, "dropout_input: expected less than 1"),
        ("dropout_hidden", -0.1, "dropout_hidden: expected at least 0"),
        ("max_norm", 0, "max_norm: expected more than 0"),
        ("epochs", 0, "epochs: expected at least 1"),
        ("refesh", 0.1, "found 'refesh'; did you mean 'refresh'?"),
        ("decay", "much", "decay: expected a number (weight decay, not of biases, decoupled from"),
    ],
)
def test_a_fault_of_a_training_with_pools_is_one_line(raw, setting, value, part):
    trainer = {"method": "adversarial_pools", setting: value}
    message = fault(raw, "nets", "FC50-50-10", "trainer", value=trainer)
    assert len(message.splitlines()) == 1
    assert "nets.FC50-50-10.trainer" in message
    assert part in message


def test_a_misspelt_key_that_is_required_is_one_fault(raw):
    raw["sedes"] = raw.pop("seeds")
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    assert len(str(error.value).splitlines()) == 1
    assert "did you mean 'seeds'?" in str(error.value)


def test_every_missing_key_and_every_unknown_one_has_one_line():
    with pytest.raises(InputError) as error:
        check({"run": "a", "one": 1, "two": 2}, SCHEMA)
    lines = str(error.value).splitlines()
    assert [line.partition("found ")[2] for line in lines[:2]] == ["'one'", "'two'"]
    missing = [name for name in SCHEMA["required"] if name != "run"]
    assert lines[2:] == [
        f"config: top level: expected the key '{name}', found none; add it" for name in missing
    ]


def test_an_attack_of_an_experiment_is_no_control(raw):
    message = fault(raw, "experiments", "cross-model", "attack", value="gaussian-0.1")
    assert message == (
        "my.yaml: experiments.cross-model.attack: expected an attack, which looks for images that "
        "fool a net, found gaussian-0.1, a control; name it among controls"
    )


def test_of_two_settings_of_noise_one_of_which_has_no_effect_both_are_refused(raw):
    message = fault(raw, "attacks", "gaussian-0.1", "distortion", value=0.05)
    assert message == (
        "my.yaml: attacks.gaussian-0.1.std: expected either std or distortion, found both, of "
        "which std has no effect; remove one"
    )
    del raw["attacks"]["gaussian-0.1"]["std"]
    check(raw, SCHEMA)


def test_a_missing_key_is_named(raw):
    del raw["nets"]
    with pytest.raises(InputError, match="top level: expected the key 'nets', found none; add"):
        check(raw, SCHEMA)


def test_every_fault_has_its_line(raw):
    raw["seeds"] = [-1]
    raw["machine"]["device"] = "tpu"
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    assert len(str(error.value).splitlines()) == 2


def test_a_table_is_of_an_experiment_or_of_a_measurement_not_of_both(raw):
    raw["measurements"] = {"small": {"method": "units", "nets": ["FC10-1e-4"], "n": 100}}
    raw["tables"]["table1"]["measurement"] = "small"
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    assert "found experiment and measurement" in str(error.value).splitlines()[0]


@pytest.mark.parametrize(
    ("section", "method", "message"),
    [
        ("attacks", "one", "(model, images, labels, targets), found (image)"),
        ("attacks", "by_name", "targets), found (*, model, images, labels, targets)"),
        ("tables", "late", "found 'width'; settings come after a *"),
    ],
)
def test_a_function_of_other_parameters_is_refused_before_any_job(
    tmp_path, monkeypatch, section, method, message
):
    (tmp_path / "own_lab.py").write_text(
        "def one(image): pass\n"
        "def by_name(*, model, images, labels, targets): pass\n"
        "def late(attacks, width=3): pass\n"
        "def any_number(*given): pass\n"
        "def by_place(model, images, labels, targets, /): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    raw = full("presets/digits.yaml")
    for fine in ("any_number", "by_place"):
        raw["attacks"]["lbfgs"] = {"method": f"own_lab:{fine}"}
        check(raw, SCHEMA)
    name = {"attacks": "lbfgs", "tables": "table1"}[section]
    raw[section][name] = {"experiment": "cross-model"} if section == "tables" else {}
    raw[section][name]["method"] = f"own_lab:{method}"
    with pytest.raises(InputError) as caught:
        check(raw, SCHEMA)
    assert str(caught.value).startswith(f"config: {section}.{name}.method: expected ")
    assert str(caught.value).endswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fault_that_is_there_twice_is_said_once(raw):
    message = fault(raw, "certificates", "product", "nets", value=["nobody", "nobody"])
    assert len(message.splitlines()) == 1
