"""A short config is equivalent to its full form."""

import copy

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blindspots.config.check import check, instances
from blindspots.config.expansion import expand
from blindspots.config.lines import written
from blindspots.config.methods import defaults
from blindspots.config.reading import full_form, laid_over
from blindspots.config.renamed import renamed_faults
from blindspots.interface import InputError
from tests.configs import ROOT, RUNS, SCHEMA, full, short

SHORT = """\
data: digits
groups:
  halves: ["*-P1", "*-P2"]
defaults:
  model: {method: mlp, activation: tanh}
  trainer: {method: lbfgs, decay: 1e-3}
nets:
  FC: {model: {hidden: [5, 5]}, label: FC, train_on: [P1, P2]}
  linear: {model: {hidden: []}, trainer: {decay: [1e-4], tolerance: 1e-2}}
  coder: {model: {method: autoencoder, hidden: 4}, trainer: sparse_autoencoder}
attacks:
  closest: {}
  gaussian: {std: [0.1, 3e-1]}
experiments:
  all: {n: [8, 16], controls: "gaussian-*"}
  some: {nets: [halves, linear], part: train, report: none}
"""
"""A short config, of which tests change a line."""


def read(text, run="short"):
    return full_form(yaml.safe_load(text), SCHEMA, run=run).config


def faults(tmp_path, *files):
    """Return the lines for the faults of a config, and of a config laid over it."""
    paths = []
    raw = {}
    for number, text in enumerate(files):
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_text(text, "utf-8")
        raw = laid_over(raw, yaml.safe_load(text))
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA, "my.yaml", written(paths), "short")
    return str(error.value).replace(f"{tmp_path}/", "").splitlines()


def test_what_is_left_out_has_a_default():
    found = read("data: digits\nnets: {a: {model: mlp, trainer: {method: lbfgs, decay: 1}}}\n")
    assert found == {
        "run": "short",
        "seeds": [0],
        "data": {"method": "digits"},
        "splits": {"validation": 0, "p1": 0.5, "p2": 0.5},
        "nets": {
            "a": {
                "model": {"method": "mlp"},
                "trainer": {"method": "lbfgs", "decay": 1},
                "train_on": "train",
            }
        },
        "attacks": {},
        "certificates": {},
        "experiments": {},
        "tables": {},
        "figures": {},
        "machine": {"device": "auto", "threads": 1, "chunk": 1024},
    }


def test_a_name_and_lists_of_values_are_written_out():
    found = read(SHORT)
    assert [*found["nets"]] == ["FC-P1", "FC-P2", "linear", "coder"]
    assert found["nets"]["FC-P2"] == {
        "label": "FC (P2)",
        "model": {"method": "mlp", "activation": "tanh", "hidden": [5, 5]},
        "trainer": {"method": "lbfgs", "decay": "1e-3"},
        "train_on": "P2",
    }
    assert found["nets"]["linear"]["trainer"] == {
        "method": "lbfgs", "decay": ["1e-4"], "tolerance": "1e-2",
    }  # fmt: skip
    assert found["nets"]["coder"]["trainer"] == {"method": "sparse_autoencoder"}
    assert found["attacks"] == {
        "closest": {"method": "closest"},
        "gaussian-0.1": {"method": "gaussian", "std": 0.1},
        "gaussian-3e-1": {"method": "gaussian", "std": "3e-1"},
    }
    assert found["certificates"] == {"product": {"method": "lipschitz"}}
    nets = ["FC-P1", "FC-P2", "linear"]
    assert found["experiments"] == {
        **{
            f"all-{n}": {
                "attack": "closest", "part": "test", "n": n, "sources": nets, "victims": nets,
                "controls": ["gaussian-0.1", "gaussian-3e-1"],
            }
            for n in (8, 16)
        },
        "some": {"attack": "closest", "part": "train", "n": 256, "sources": nets, "victims": nets},
    }  # fmt: skip
    assert [*found["tables"]] == [
        f"{name}-all-{n}"
        for name in ("errors", "transfer", "training", "lipschitz", "ledger")
        for n in (8, 16)
    ]
    assert found["tables"]["errors-all-8"]["parts"] == ["P1", "P2", "train", "test"]
    assert found["figures"]["examples-all-16"]["panels"] == [
        {"source": "FC-P1", "victim": "FC-P1"},
        {"source": "linear", "victim": "linear"},
        {"control": "gaussian-3e-1", "victim": "linear"},
    ]


@pytest.mark.parametrize("paths", RUNS, ids=lambda paths: paths[-1])
def test_a_short_config_and_its_full_form_are_one(paths):
    expanded = full(*paths)
    text = yaml.safe_dump(expanded, sort_keys=False, allow_unicode=True)
    again = yaml.safe_load(text)
    assert full_form(again, SCHEMA).config == expanded
    run = expanded["run"]
    assert check(again, SCHEMA) == check(short(*paths), SCHEMA, run=run)
    assert yaml.safe_dump(check(again, SCHEMA), sort_keys=False) == yaml.safe_dump(
        check(short(*paths), SCHEMA, run=run), sort_keys=False
    )  # in the same order, too


NAMES = ["a", "b-P1", "b-P2", "c"]
listed = st.lists(st.sampled_from([*NAMES, "*", "b-*", "g"]), min_size=1, max_size=3, unique=True)
net = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(
            ["mlp", {"hidden": [3]}, {"method": "lenet", "activation": ["relu", "tanh"]}]
        ),
        "trainer": st.sampled_from(["sgd", {"decay": [1, 2]}, {"tolerance": [1e-3, 1e-2]}]),
        "train_on": st.sampled_from(["P1", ["P1", "P2"]]),
        "label": st.just("L"),
    },
)
experiment = st.fixed_dictionaries(
    {"attack": st.sampled_from(["closest", ["closest", "lbfgs"], "l*"])},
    optional={
        "n": st.sampled_from([4, [4, 8]]),
        "part": st.sampled_from(["train", ["train", "test"]]),
        "nets": listed,
        "victims": listed,
        "controls": st.sampled_from(["gaussian", "gaussian*"]),
        "report": st.sampled_from(["none", ["bounds", "standard"], "directions"]),
        "title": st.just("T"),
    },
)
configs = st.fixed_dictionaries(
    {
        "data": st.sampled_from(["digits", {"method": "digits"}]),
        "defaults": st.just({"model": "mlp", "trainer": {"method": "lbfgs", "decay": 1}}),
        "nets": st.fixed_dictionaries(dict.fromkeys(NAMES, net)),
        "attacks": st.just({"closest": {}, "lbfgs": {}, "gaussian": {"std": [0.1, 0.2]}}),
        "experiments": st.dictionaries(st.sampled_from("xyz"), experiment, min_size=1, max_size=3),
        "groups": st.fixed_dictionaries({"g": st.just(["a", "c"])}),
    },
    optional={
        "report": st.sampled_from(["standard", ["directions"], "none"]),
        "tables": st.just({"ledger": {"experiment": "*"}}),
        "certificates": st.just({"lipschitz": {"bound": ["product", "eclipse"], "nets": "all"}}),
        "splits": st.just({"validation": 0.1}),
        "machine": st.just({"threads": 3}),
    },
)


@settings(max_examples=200)
@given(configs)
def test_an_expansion_of_an_expansion_changes_nothing(config):
    config = {"run": "r"} | config
    before = copy.deepcopy(config)
    once = expand(config)
    assert config == before
    assume(not once.faults)
    again = expand(once.config)
    assert (again.config, again.faults) == (once.config, [])
    assert list(again.config) == list(once.config)


def of_methods(config):
    """Return a checked config without settings that equal a method's defaults."""
    for _, role, instance in instances(config):
        for name, value in defaults(role, instance["method"]).items():
            if instance.get(name, value) == value:
                instance.pop(name, None)
    return config


def translated(old):
    """The paper's config of the first edition, with keys renamed as `config.renamed` says.

    Changed on purpose since: the paper's figures and claims are files, and two tables of effects
    and two of closeness have figures by which the claims are judged. The order of tables and
    figures differs, and settings that equal a method's defaults are left out.
    """
    assert old.pop("decay_scale") == 1  # decay_factor, by default
    lipschitz = old.pop("lipschitz")
    assert lipschitz.pop("nets") == "all"
    networks = {name: {"method": "operators"} | of for name, of in old.pop("operators").items()}
    for table in old["tables"].values():
        if "operators" in table:
            table["measurement"] = table.pop("operators")
    now = full("config.yaml")
    since = ("effects", "closeness")
    added = {name: of for name, of in now["tables"].items() if of["method"] in since}
    assert [*added] == [
        "effects-cross-model", "effects-cross-training-set", "closeness-cross-model-10000",
        "closeness-cross-training-set-10000",
    ]  # fmt: skip
    old["tables"] |= added
    old |= {key: now[key] for key in ("printed", "claims")}
    return old | {"measurements": {"looseness": {"method": "looseness"} | lipschitz} | networks}


def test_as_the_paper_is_printed_its_config_is_what_it_was():
    old = yaml.safe_load((ROOT / "tests/config/old/config.yaml").read_text("utf-8"))
    renamed = {fault.partition(": ")[0] for fault in renamed_faults(old)}
    tables = {"tables.table5", "tables.table5-paper", "tables.table5-groups"}
    assert renamed == {"lipschitz", "operators", "decay_scale", *(f"{t}.operators" for t in tables)}
    old = translated(old)
    assert not [*renamed_faults(old)]
    found = of_methods(check(short("config.yaml") | {"reading": "as_printed"}, SCHEMA))
    assert found.pop("under") == {"answers": {}, "name": "as_printed"}
    assert of_methods(check(old, SCHEMA)) == found


def test_configs_are_short():
    for path, most in (("config.yaml", 60), ("presets/digits.yaml", 30)):
        assert len((ROOT / path).read_text("utf-8").splitlines()) <= most
    lines = (ROOT / "presets/start.yaml").read_text("utf-8").splitlines()
    assert len([s for s in lines if s.strip() and not s.strip().startswith("#")]) <= 10


def test_a_net_without_a_default_for_its_method_has_none():
    found = read(
        "data: digits\ndefaults: {trainer: {epochs: 3}}\nnets:\n"
        "  a: {model: mlp, trainer: sgd}\n  b: {model: mlp, trainer: {method: lbfgs, decay: 1}}\n"
    )["nets"]
    assert found["a"]["trainer"] == {"epochs": 3, "method": "sgd"}
    assert found["b"]["trainer"] == {"method": "lbfgs", "decay": 1}


def test_given_weights_are_no_net_of_the_default_trainer():
    found = read(
        "data: digits\ndefaults: {model: mlp, trainer: {method: lbfgs, decay: 1}}\nnets:\n"
        "  a: {}\n  b: {weights: w.pth}\n  c: {model: {method: exported, file: c.pt2}}\n"
    )["nets"]
    assert "trainer" in found["a"]
    assert "trainer" not in found["b"] | found["c"]


def test_a_net_made_of_others_has_the_default_trainer_only_where_it_asks_to_be_trained():
    made = "model: encoded, parents: {encoder: a}"
    found = read(
        "data: digits\ndefaults: {model: mlp, trainer: {method: lbfgs, decay: 1}}\nnets:\n"
        f"  a: {{}}\n  b: {{{made}}}\n  c: {{{made}, trainer: {{}}}}\n"
        f"  d: {{{made}, train_on: P1}}\n"
    )["nets"]
    assert not {"trainer", "train_on"} & {*found["b"]}
    assert found["c"]["trainer"] == found["d"]["trainer"] == found["a"]["trainer"]
    assert (found["c"]["train_on"], found["d"]["train_on"]) == ("train", "P1")


def test_radii_of_an_attack_and_lists_that_a_method_takes_are_left(tmp_path, monkeypatch):
    (tmp_path / "lab_of_lists.py").write_text(
        "from blindspots.families import budget\n"
        "@budget('linf')\n"
        "def near(model, images, labels, targets, *, eps: float, steps: int = 1, own=None): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    attack = {"method": "lab_of_lists:near", "eps": [0.1, 0.2], "own": [1, 2]}
    raw = {"data": "digits", "run": "r", "nets": {"a": {"model": "mlp", "weights": "w"}}}
    found = expand(raw | {"attacks": {"near": attack}})
    assert found.config["attacks"] == {"near": attack}
    found = expand(raw | {"attacks": {"near": attack | {"steps": [1, 2]}}})
    assert [*found.config["attacks"]] == ["near-1", "near-2"]


def test_several_values_of_a_setting_that_takes_pairs_too_are_several_nets():
    net = "data: digits\nnets:\n  a: {{model: mlp, trainer: {{method: sgd, {}}}}}\n"
    found = read(net.format("epochs: 1, learning_rate: [5e-2, 0.01]"))["nets"]
    assert [*found] == ["a-5e-2", "a-0.01"]
    pairs = [[0, 0.1], [5, 0.01]]
    assert [*read(net.format(f"epochs: 1, learning_rate: {pairs}"))["nets"]] == ["a"]


def test_a_list_that_a_setting_takes_is_one_value_whatever_is_wrong_with_it(tmp_path):
    lbfgs = "data: digits\nnets: {{a: {{model: {}, trainer: {{method: lbfgs, decay: {}}}}}}}\n"
    assert [*read(lbfgs.format("mlp", "[1e-3, 1e-4]"))["nets"]] == ["a"]
    (line,) = faults(tmp_path, lbfgs.format("mlp", "[1e-3, -1]"))
    assert "nets.a.trainer.decay.1: expected at least 0" in line
    (line,) = faults(tmp_path, lbfgs.format("{method: mlp, hidden: [5, x]}", "0"))
    assert "nets.a.model.hidden.1: expected a whole number" in line


def test_a_table_of_several_experiments_is_several():
    found = read(SHORT + "tables: {ledger: {experiment: all, title: Radii}}\n")
    assert found["tables"] == {
        f"ledger-all-{n}": {
            "method": "ledger",
            "experiment": f"all-{n}",
            "title": f"Radii (all-{n})",
        }
        for n in (8, 16)
    }
    assert found["figures"] == {}


def test_checkpoints_of_nets_are_named_by_a_pattern_of_theirs_alone():
    nets = {name: {"model": "mlp", "trainer": "sgd", "checkpoints": [1, 20]} for name in "ab"}
    experiments = {"x": {}, "y": {"nets": ["a", "*@20"]}, "z": {"sources": "a@1", "victims": "*"}}
    raw = {"run": "r", "data": "digits", "nets": nets, "attacks": {"closest": {}}}
    found = expand(raw | {"experiments": experiments})
    assert not found.faults
    got = {name: (e["sources"], e["victims"]) for name, e in found.config["experiments"].items()}
    assert got == {
        "x": (["a", "b"], ["a", "b"]),
        "y": (["a", "a@20", "b@20"], ["a", "a@20", "b@20"]),
        "z": (["a@1"], ["a", "b"]),
    }


def test_a_checkpoint_of_a_net_that_is_several_is_one_of_each():
    net = {"model": "mlp", "trainer": {"method": "sgd", "epochs": [1, 2]}, "checkpoints": [1]}
    raw = {"run": "r", "data": "digits", "nets": {"a": net}, "attacks": {"closest": {}}}
    raw["groups"] = {"early": ["a@1"]}
    for listed in ("a@1", ["a@1"], "early"):
        found = expand(raw | {"experiments": {"x": {"nets": listed}}})
        assert not found.faults
        assert found.config["experiments"]["x"]["sources"] == ["a-1@1", "a-2@1"]
    faults = expand(raw | {"experiments": {"x": {"nets": ["a@2"]}}}).faults
    assert faults[0].startswith("experiments.x.nets: expected a net of this config (a-1, a-1@1, ")


def test_nets_of_another_dataset_are_not_among_all():
    config = yaml.safe_load(SHORT)
    config["datasets"] = {
        "digits": {"method": "digits"},
        "moved": {"method": "tests.workflow.makers:towards", "data": "digits", "parents": {}},
        "other": {"method": "mnist"},
    }
    del config["data"]
    config["nets"]["linear"]["data"] = "other"
    config["nets"]["FC"]["data"] = "moved"
    config["experiments"] = {"x": {"data": "digits"}}
    found = expand({"run": "r"} | config)
    assert found.config["experiments"]["x"]["sources"] == ["FC-P1", "FC-P2"]
