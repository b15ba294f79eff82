"""A run's readings of the paper, in words."""

import pytest

from blindspots.config.check import check
from blindspots.interface import InputError
from blindspots.report.readings import _together, readings_taken, settings_in_effect
from tests.configs import full
from tests.pages import SCHEMA


def digits():
    return full("presets/digits.yaml")


def test_settings_in_effect_are_defaults_and_what_the_config_says():
    found = {key: text for key, _, text in settings_in_effect(check(digits(), SCHEMA))}
    assert "tolerance = 0.002" in found["nets.FC50-50-10.trainer"]
    assert "decay_factor = 1" in found["nets.FC50-50-10.trainer"]
    assert "activation = sigmoid" in found["nets.FC50-50-10.model"]
    assert "target = random" in found["attacks.lbfgs"]
    assert "target" not in found["attacks.gaussian-0.1"]
    assert "clip = true" in found["attacks.gaussian-0.1"]
    assert "hidden = []" in found["nets.FC10-1e-4.model"]
    assert "progress" not in found["measurements.transfer"]


def test_what_differs_is_said_after_the_names_that_it_is_of():
    assert _together({"a": "random", "b": "random"}) == "random"
    assert _together({"near": "any", "paper": "random"}) == "near: any; paper: random"
    assert _together({"a": "x", "b": "y", "c": "x"}) == "a, c: x; b: y"
    assert _together(dict.fromkeys("abde", "x") | {"c": "y"}) == "c: y; the others: x"


def test_the_readings_are_said_once_with_who_differs():
    raw = digits()
    raw["attacks"]["near"] = {"method": "lbfgs", "target": "next", "distance": "l2"}
    raw["experiments"]["other"] = raw["experiments"]["cross-model"] | {"attack": "near"}
    found = readings_taken(check(raw, SCHEMA))
    assert found["decay"] == "AE32: 0.0001 (sparse_autoencoder); the others: λ Σ w² / k as printed"
    assert found["target"] == "lbfgs: random; near: next"
    assert found["distance"] == "lbfgs: c·‖r‖₂², smooth at 0; near: c·‖r‖₂"
    assert found["search"].startswith("the largest c that reaches the target, bracketed and")
    noise = "gaussian-0.1, gaussian-0.3: clipped"
    assert found["clipping"] == f"cross-training-set: amplified images clipped; {noise}"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"decay_factor": 4}, "4 × λ Σ w² / k as printed"),
        ({"decay_per": "none"}, "λ Σ w²"),
        ({"decay_per": "none", "decay_factor": 0.5}, "½ λ Σ w²"),
        ({"decay_biases": True}, "λ Σ (w² + b²) / k"),
        ({"decay_per": "none", "decay_factor": 0.5, "decay_biases": True}, "½ λ Σ (w² + b²)"),
    ],
)
def test_the_readings_say_how_weights_and_biases_decay(own, said):
    raw = digits()
    raw["nets"]["FC10-1e-2"]["trainer"] |= own
    assert readings_taken(check(raw, SCHEMA))["decay"] == (
        f"FC10-1e-2: {said}; AE32: 0.0001 (sparse_autoencoder); the others: λ Σ w² / k as printed"
    )
    raw["nets"]["FC10-1e-2"]["trainer"] |= {"decay": 0}
    assert "FC10-1e-2" not in readings_taken(check(raw, SCHEMA))["decay"]


def test_the_readings_say_which_nets_have_no_biases():
    raw = digits()
    assert readings_taken(check(raw, SCHEMA))["biases"] == "in every layer"
    raw["nets"]["FC10-1e-2"]["model"]["bias"] = False
    raw["nets"]["AE32-10"]["model"]["bias"] = False
    assert readings_taken(check(raw, SCHEMA))["biases"] == (
        "FC10-1e-2: none; AE32-10: none in the softmax; the others: in every layer"
    )


def test_the_readings_say_which_factor_amplified_images_have():
    raw = digits()
    each = "every perturbation gets the distortion"
    assert readings_taken(check(raw, SCHEMA))["amplification"] == each
    raw["experiments"]["cross-training-set"]["amplify_by"] = ["image", "all"]
    found = readings_taken(check(raw, SCHEMA))["amplification"]
    assert found.startswith(f"cross-training-set-image: {each}; cross-training-set-all: the")
    assert "scaled by one factor" in found


def test_the_readings_say_how_examples_were_mixed_in_or_that_they_were_not():
    raw = digits()
    assert "pools" not in readings_taken(check(raw, SCHEMA))
    raw["nets"]["FC50-50-10"]["trainer"] = {
        "method": "adversarial_pools", "layers": "input", "strength": 0.05, "decay": 0.1,
    }  # fmt: skip
    raw["nets"]["FC50-50-10-P1"]["trainer"] = {"method": "adversarial_pools", "layers": []}
    found = readings_taken(check(raw, SCHEMA))
    assert found["pools"] == "of input, closest, at most 0.05 RMS per unit, 50% of a batch"
    assert "FC50-50-10: decoupled from the gradient (AdamW)" in found["decay"]


def test_the_decay_of_a_trainer_that_declares_no_reading_is_the_one_in_effect(
    tmp_path, monkeypatch
):
    (tmp_path / "my_train.py").write_text("def steps(model, images, labels, *, rate=0.1): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    raw = digits()
    net = raw["nets"].pop("FC50-50-10")
    named = {"default": {}, "set": {"decay": 1e-4}, "off": {"decay": 0}}
    raw["nets"] = {
        name: net | {"trainer": {"method": "sgd"} | own, "label": name}
        for name, own in named.items()
    }
    raw["nets"]["mine"] = net | {"trainer": {"method": "my_train:steps"}, "label": "mine"}
    raw |= {"experiments": {}, "tables": {}, "figures": {}, "claims": None}
    raw["measurements"] = {}
    found = readings_taken(check(raw, SCHEMA))
    assert found["decay"] == "default: 0.0005 (sgd); set: 0.0001 (sgd); off: none"


def test_a_setting_that_another_leaves_without_effect_is_not_among_them():
    raw = digits()
    raw["attacks"]["gaussian-0.1"] = {"method": "gaussian", "distortion": 0.05}
    found = {key: text for key, _, text in settings_in_effect(check(raw, SCHEMA))}
    assert found["attacks.gaussian-0.1"] == "clip = true, distortion = 0.05"
    assert found["attacks.gaussian-0.3"] == "std = 0.3, clip = true, distortion = null"


def test_a_text_by_value_may_name_other_settings():
    raw = digits()
    raw["attacks"]["lbfgs"] = {"search": "grid", "grid_ratio": 1.25, "grid_from": "above"}
    said = readings_taken(check(raw, SCHEMA))["search"]
    assert "at the largest power of 1.25 for c that reaches the target (grid_from: above)" in said


def test_a_users_method_says_what_its_settings_mean(tmp_path, monkeypatch):
    (tmp_path / "my_push.py").write_text(
        'READINGS = {"search": ("tries", "the best of {tries}"),'
        ' "clipping": ("clip", {False: "no"})}\n'
        "def push(model, images, labels, targets=None, *, tries=3, clip=True, share=0.125): ...\n"
        "def other(model, images, labels, targets=None, *, tries=0, clip=False): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    raw = digits()
    raw["attacks"]["push"] = {"method": "my_push:push"}
    found = readings_taken(check(raw, SCHEMA))
    assert "push: the best of 3" in found["search"]
    assert "push" not in found["clipping"]
    raw["attacks"]["push"] |= {"method": "my_push:other"}
    found = readings_taken(check(raw, SCHEMA))
    assert "push" not in found["search"]
    assert "push: no" in found["clipping"]


def test_readings_of_a_setting_that_a_method_has_not_are_one_line(tmp_path, monkeypatch):
    (tmp_path / "my_draw.py").write_text(
        'READINGS = {"search": ("trys", "the best of {trys}")}\n'
        "def draw(model, images, labels, targets=None, *, tries=3): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    raw = digits()
    raw["attacks"]["lbfgs"] = {"method": "my_draw:draw"}
    with pytest.raises(
        InputError, match=r"my_draw:draw: expected READINGS of its settings \(tries"
    ):
        readings_taken(check(raw, SCHEMA))
