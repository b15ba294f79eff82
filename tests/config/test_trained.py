"""Keys of trained nets: checkpoints, patience, parents; and nets built from parents alone."""

import copy

import pytest
import yaml

from blindspots.config import methods, traits
from blindspots.config.check import check
from blindspots.jobs.train import wants_validation
from tests.configs import ROOT, SCHEMA, faults, full

OWN = """
from blindspots.limits import Share
from blindspots.trainers.loop import looped
from blindspots.trainers import loop

@looped
def mine(model, images, labels, *, share: Share, epochs: int = 3, patience=9): ...

@loop.looped
def taught(model, images, labels, *, parents, generator): ...

@looped
def warned(model, images, labels, *, attacked): ...

@looped
def judged(model, images, labels, *, validation): ...

def judged_by_hand(model, images, labels, *, validation, **settings): ...

def alone(model, images, labels, *, checkpoint): ...

def committee(shape, classes, *, parents): ...
"""


@pytest.fixture
def raw(tmp_path, monkeypatch):
    (tmp_path / "own_training.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    raw = yaml.safe_load((ROOT / "tests/workflow/small.yaml").read_text("utf-8"))
    raw["figures"] = {}
    raw["nets"]["stepwise"] = {
        "model": {"method": "mlp", "hidden": []}, "train_on": "train", "label": "Step by step",
        "trainer": {"method": "sgd", "epochs": 2}, "checkpoints": [0, 100],
    }  # fmt: skip
    return raw


def test_every_checkpoint_is_a_net_beside_its_own(raw):
    raw["experiments"]["both"] |= {"sources": ["stepwise@100"], "victims": ["linear", "stepwise@0"]}
    raw["measurements"] = {"layers": {"method": "layers", "nets": ["stepwise@0"]}}
    raw["certificates"]["product"]["nets"] = ["stepwise@100"]
    nets = check(raw, SCHEMA)["nets"]
    assert [*nets][-3:] == ["stepwise", "stepwise@0", "stepwise@100"]
    last = nets["stepwise@100"]
    assert last["checkpoint"] == {"net": "stepwise", "step": 100}
    assert last["trainer"] is None and last["weights"] is None and last["checkpoints"] == []
    assert last["label"] == "Step by step (step 100)"
    assert last["model"] == nets["stepwise"]["model"] and last["data"] == "digits"
    assert nets["stepwise"]["checkpoint"] is None


def test_the_order_in_which_a_config_lists_checkpoints_changes_nothing(raw):
    raw["nets"]["stepwise"]["checkpoints"] = [100, 5, 20]
    raw["experiments"]["both"] |= {"sources": ["stepwise@*"], "victims": "*@*"}
    found = check(copy.deepcopy(raw), SCHEMA)
    names = ["stepwise@5", "stepwise@20", "stepwise@100"]
    assert [*found["nets"]][-4:] == ["stepwise", *names]
    assert found["experiments"]["both"]["sources"] == names
    raw["nets"]["stepwise"]["checkpoints"] = [5, 20, 100]
    assert repr(check(raw, SCHEMA)) == repr(found)  # the order of keys included


def test_a_checkpoint_may_be_a_parent_and_not_of_itself(raw):
    raw["nets"]["next"] = raw["nets"]["stepwise"] | {"parents": {"start": "stepwise@100"}}
    check(copy.deepcopy(raw), SCHEMA)
    raw["nets"]["stepwise"]["parents"] = {"start": "next@0"}
    assert faults(raw) == ["nets.stepwise.parents: expected no cycle, found one through stepwise"]
    raw["nets"]["stepwise"]["parents"] = {"start": "stepwise@100"}
    assert faults(raw) == ["nets.stepwise.parents: expected no cycle, found one through stepwise"]


@pytest.mark.parametrize(
    ("way", "value", "message"),
    [
        (("experiments", "both", "sources"), ["stepwise@10"],
         "experiments.both.sources: expected a net of this config (linear, coder, coded, stepwise, "
         "stepwise@0, stepwise@100), found 'stepwise@10'; did you mean 'stepwise@100'?"),
        (("nets", "linear", "checkpoints"), [10],
         "nets.linear.checkpoints: expected a trainer that counts steps, one made by "
         "trainers.loop.looped such as sgd, found lbfgs; remove checkpoints"),
        (("nets", "stepwise", "checkpoints"), [-1],
         "nets.stepwise.checkpoints.0: expected at least 0 (training steps whose weights are kept "
         "as nets of their own, named NET@STEP; 0: before the first step), found -1"),
        (("nets", "stepwise", "trainer", "patience"), 0,
         "nets.stepwise.trainer.patience: expected at least 1 (epochs without a better validation "
         "after which the training ends), found 0"),
        (("nets", "stepwise", "trainer", "momentum"), 1.5,
         "nets.stepwise.trainer.momentum: expected less than 1 (Nesterov's momentum, or "
         "Adam's first beta), found 1.5"),
        (("nets", "stepwise", "trainer", "learning_rate"), [[1, 0.1]],
         "nets.stepwise.trainer.learning_rate: expected pairs [epoch, value] of rising epochs from "
         "0 and values of at least 0 (largest learning rate), found [[1, 0.1]]"),
        (("nets", "stepwise", "trainer", "learning_rate"), [[0, 0.1], [0, 0.2]],
         "nets.stepwise.trainer.learning_rate: expected pairs [epoch, value] of rising epochs from "
         "0 and values of at least 0 (largest learning rate), found [[0, 0.1], [0, 0.2]]"),
        (("nets", "stepwise", "trainer", "learning_rate"), [[0, 0.1, 3]],
         "nets.stepwise.trainer.learning_rate: expected pairs [epoch, value] of rising epochs from "
         "0 and values of at least 0 (largest learning rate), found [[0, 0.1, 3]]"),
        (("nets", "stepwise", "trainer", "learning_rate"), [[0, 0.0], [5, 0]],
         "nets.stepwise.trainer.learning_rate: expected a value above 0 at some epoch (largest "
         "learning rate), found [[0, 0.0], [5, 0]]"),
        (("nets", "stepwise", "trainer", "momentum"), [[0, 0.5], [5, 1.0]],
         "nets.stepwise.trainer.momentum: expected pairs [epoch, value] of rising epochs from 0 "
         "and values of at least 0 and less than 1 (Nesterov's momentum, or Adam's first beta), "
         "found [[0, 0.5], [5, 1.0]]"),
        (("nets", "stepwise", "trainer", "momentum"), [[0]],
         "nets.stepwise.trainer.momentum: expected pairs [epoch, value] of rising epochs from 0 "
         "and values of at least 0 and less than 1 (Nesterov's momentum, or Adam's first beta), "
         "found [[0]]"),
        (("nets", "stepwise", "trainer", "generator"), 3,
         "nets.stepwise.trainer.generator: expected a setting of sgd (batch, decay, epochs, "
         "learning_rate, momentum, optimiser, patience, schedule), found 'generator'"),
        (("nets", "stepwise", "parents"), {"begin": "linear"},
         "nets.stepwise.parents.begin: expected start, the net whose weights sgd starts from, "
         "found another; rename or remove it"),
    ],
)  # fmt: skip
def test_a_fault_of_a_training_is_one_line(raw, way, value, message):
    *steps, last = way
    place = raw
    for step in steps:
        place = place[step]
    place[last] = value
    assert faults(raw) == [message]


@pytest.mark.parametrize(
    ("setting", "pairs"),
    [
        ("learning_rate", [[0, 0], [5, 0.1]]),
        ("learning_rate", [[0, 5.0]]),
        ("momentum", [[0, 0]]),
        ("momentum", [[0, 0], [5, 0.99]]),
    ],
)
def test_a_rate_and_a_momentum_may_follow_pairs(raw, setting, pairs):
    raw["nets"]["stepwise"]["trainer"][setting] = pairs
    assert check(raw, SCHEMA)["nets"]["stepwise"]["trainer"][setting] == pairs


def test_patience_needs_a_validation_part_whoever_sets_it(raw):
    raw["nets"]["stepwise"]["trainer"]["patience"] = 3
    raw["nets"]["linear"]["trainer"] = {"method": "own_training:mine", "share": 0.5}
    check(copy.deepcopy(raw), SCHEMA)
    raw["splits"]["validation"] = 0
    found = faults(raw)
    assert [line.partition(":")[0] for line in found] == [
        "nets.linear.trainer", "nets.stepwise.trainer",
    ]  # fmt: skip
    assert found[0].endswith(
        ": expected validation images, which own_training:mine needs, found validation: 0 under "
        "splits; raise it, or choose another trainer or no patience"
    )


@pytest.mark.parametrize("method", ["judged", "judged_by_hand"])
def test_a_trainer_that_requires_validation_images_needs_the_part_too(raw, method):
    raw["nets"]["linear"]["trainer"] = {"method": f"own_training:{method}"}
    check(copy.deepcopy(raw), SCHEMA)
    raw["splits"]["validation"] = 0
    (found,) = faults(raw)
    assert found.startswith("nets.linear.trainer: expected validation images")


@pytest.mark.parametrize(
    ("method", "given", "validates"),
    [
        ("judged", {}, True),
        ("judged_by_hand", {}, True),
        ("mine", {}, True),
        ("mine", {"patience": None}, False),
        ("warned", {}, False),
        ("warned", {"patience": 2}, True),
        ("alone", {"patience": 2}, False),
    ],
)
def test_a_training_gets_the_validation_images_that_the_check_asked_for(
    raw, method, given, validates
):
    name = f"own_training:{method}"
    assert traits.validates(traits.trainer_parameters(name), given) == validates
    assert wants_validation(methods.find("trainers", name), given) == validates


def test_a_trainer_by_the_loop_has_its_settings_beside_its_own(raw):
    known, required = methods.settings("trainers", "own_training:mine")
    assert {"share", "epochs", "batch", "momentum", "patience"} <= known
    assert required == {"share"}
    defaults = methods.defaults("trainers", "own_training:mine")
    assert (defaults["epochs"], defaults["batch"], defaults["patience"]) == (3, 128, 9)
    raw["nets"]["linear"]["trainer"] = {"method": "own_training:mine", "share": 2, "batches": 3}
    assert faults(raw) == [
        "nets.linear.trainer.batches: expected a setting of own_training:mine (batch, decay, "
        "epochs, learning_rate, momentum, optimiser, patience, schedule, share), found 'batches'; "
        "did you mean 'batch'?",
        "nets.linear.trainer.share: expected less than 1, found 2",
    ]


def test_a_trainer_that_takes_parents_itself_knows_their_names(raw):
    raw["nets"]["student"] = {
        "model": {"method": "mlp", "hidden": []}, "train_on": "train",
        "trainer": {"method": "own_training:taught"}, "parents": {"teacher": "linear"},
    }  # fmt: skip
    check(copy.deepcopy(raw), SCHEMA)
    del raw["nets"]["student"]["parents"]
    line = "nets.student: expected parents for own_training:taught, found none; add them"
    assert faults(raw) == [line]


def warned(raw, **entry):
    """Return a config with a net that is trained on attacked images."""
    both = raw["experiments"]["both"]
    raw["experiments"]["before"] = both | {"part": "P1", "sources": ["linear"]}
    raw["nets"]["warned"] = {
        "model": {"method": "mlp", "hidden": []}, "train_on": "P1",
        "trainer": {"method": "own_training:warned"},
        "attacked": {"near": {"experiment": "before", "net": "linear"} | entry},
    }  # fmt: skip
    return raw


def test_the_only_attack_of_an_experiment_is_meant_where_none_is_named(raw):
    net = check(warned(raw), SCHEMA)["nets"]["warned"]
    assert net["attacked"] == {"near": {"experiment": "before", "net": "linear", "attack": "lbfgs"}}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"experiment": "befor"}, "experiment: expected an experiment of this config (both, "
         "before), found 'befor'; did you mean 'before'?"),
        ({"net": "coded"},
         "net: expected a source of the experiment before (linear), found 'coded'"),
        ({"attack": "noise"},
         "attack: expected an attack of the experiment before (lbfgs), found 'noise'"),
        ({"experiment": "both"}, "experiment: expected attacked images of a part other than "
         "test, on which errors are measured, found both; name one on train, P1, P2 or validation"),
    ],
)  # fmt: skip
def test_attacked_images_that_are_not_there_are_one_line(raw, entry, message):
    assert faults(warned(raw, **entry)) == [f"nets.warned.attacked.near.{message}"]


def test_attacked_images_are_not_those_that_a_training_is_ended_by(raw):
    raw = warned(raw)
    raw["splits"]["validation"] = 50
    raw["experiments"]["before"]["part"] = "validation"
    check(copy.deepcopy(raw), SCHEMA)
    raw["nets"]["warned"]["trainer"]["patience"] = 3
    assert faults(raw) == [
        "nets.warned.attacked.near: expected attacked images of a part other than validation, by "
        "which the training is judged, found validation; name an experiment on train, P1 or P2"
    ]


def test_attacked_images_are_for_trainers_that_take_them(raw):
    raw = warned(raw)
    raw["nets"]["warned"]["trainer"] = {"method": "sgd"}
    line = "nets.warned.attacked: expected none for sgd, which takes none; remove it"
    assert faults(copy.deepcopy(raw)) == [line]
    raw["nets"]["warned"] |= {"trainer": {"method": "own_training:warned"}, "attacked": {}}
    assert faults(raw) == [
        "nets.warned: expected attacked images for own_training:warned, found none; add attacked: "
        "{NAME: {experiment: …, net: …}}"
    ]
    raw["experiments"]["before"]["attacks"] = ["lbfgs", "closer"]
    del raw["experiments"]["before"]["attack"]
    raw["attacks"]["closer"] = {"method": "closest"}
    raw["nets"]["warned"]["attacked"] = {"near": {"experiment": "before", "net": "linear"}}
    assert faults(raw) == [
        "nets.warned.attacked.near: expected the key 'attack', as before has several (lbfgs, "
        "closer), found none"
    ]


def test_no_net_is_trained_on_images_that_its_own_attack_made(raw):
    raw = warned(raw, net="warned")
    raw["experiments"]["before"]["sources"] = ["linear", "warned"]
    line = "nets.warned.attacked: expected no cycle, found one through warned"
    assert faults(copy.deepcopy(raw)) == [line]
    raw["nets"]["warned"]["attacked"]["near"]["net"] = "linear"
    check(copy.deepcopy(raw), SCHEMA)
    raw["nets"]["linear"] |= {
        "trainer": {"method": "own_training:taught"}, "parents": {"teacher": "warned"},
    }  # fmt: skip
    assert faults(raw) == ["nets.linear.parents: expected no cycle, found one through linear"]


def test_a_net_may_be_made_of_parents_alone(raw):
    parents = {"first": "linear", "second": "stepwise@100"}
    model = {"method": "own_training:committee"}
    raw["nets"]["committee"] = {"model": model, "parents": parents}
    raw["experiments"]["both"]["victims"] = ["committee"]
    net = check(copy.deepcopy(raw), SCHEMA)["nets"]["committee"]
    assert net["trainer"] is None and net["weights"] is None and net["parents"] == parents
    raw["nets"]["committee"]["train_on"] = "train"
    assert faults(raw) == [
        "nets.committee: expected train_on with a trainer, and only there; remove train_on"
    ]
    raw["nets"]["committee"] = {"model": {"method": "mlp", "hidden": []}, "parents": parents}
    assert faults(raw) == ["nets.committee.parents: expected none for mlp, found some; remove them"]
    raw["nets"]["committee"] = {"model": model, "checkpoints": [3], "parents": parents}
    assert faults(raw) == [
        "nets.committee.checkpoints: expected none for a net without a trainer, found some"
    ]


@pytest.mark.parametrize("model", [{"hidden": []}, {"hidden": [5]}])
def test_biases_are_decayed_in_models_that_have_them(model):
    raw = full("presets/digits.yaml")
    net = raw["nets"]["FC10-1e-4"]
    net["model"] = {"method": "mlp", "bias": False} | model
    net["trainer"] = {"method": "lbfgs", "decay": 0.1, "decay_biases": True}
    assert faults(raw) == [
        "nets.FC10-1e-4.trainer.decay_biases: expected a model with bias: true, found bias: "
        "false; leave decay_biases or bias out"
    ]
    for free in ({"decay_biases": False}, {}):
        net["trainer"] = {"method": "lbfgs", "decay": 0.1} | free
        assert check(raw, SCHEMA)["nets"]["FC10-1e-4"]["trainer"] == net["trainer"]
    net["model"].pop("bias")
    net["trainer"]["decay_biases"] = True
    assert check(raw, SCHEMA)["nets"]["FC10-1e-4"]["trainer"] == net["trainer"]
