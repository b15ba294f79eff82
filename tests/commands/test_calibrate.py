"""What the command `calibrate` trains on, and input that it refuses before any training."""

import pytest

from blindspots.__main__ import main
from blindspots.datasets.digits import digits
from blindspots.jobs import calibration
from tests.conftest import ROOT

DIGITS = str(ROOT / "presets/digits.yaml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decay_factor", "FC10=3"], "expected a net of the config (FC10-1e-4,"),
        (["decay_factor", "AE32-10=3"], "AE32-10: expected a net that is trained without parents"),
        (["decay_factor", "FC10-1e-4=3", "FC50-50-10-P1=3"], "nets on P1 of digits, train of d"),
        (["sparsity", "FC50-50-10=3"], "expected a trainer with the setting 'sparsity', found lb"),
        (["decay_factor", "FC50-50-10=0"], "expected NET=ERROR, an error in percent, found"),
        (["decay_factor", "FC50-50-10"], "expected NET=ERROR"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_a_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", DIGITS, *arguments])
    said = capsys.readouterr().err + str(ended.value)
    assert message in said


LAB = """datasets:
  all: {method: digits}
  few: {method: digits, test_share: 0.5}
  robust: {method: "lab:robust", data: few}
splits: {validation: 0.2}
defaults: {model: mlp, trainer: {method: sgd, epochs: 1}}
nets:
  one: {model: {hidden: []}, data: all}
  half: {model: {hidden: []}, data: few, train_on: P1}
  other: {model: {hidden: [3]}, data: few, train_on: P1, trainer: {patience: 2}}
  derived: {model: {hidden: []}, data: robust}
attacks: {closest: {target: any}}
experiments: {m: {n: 4, data: few}}
"""


@pytest.fixture
def calibrate(tmp_path, monkeypatch):
    """The command in a folder with a config of three datasets; returns what would be trained."""
    (tmp_path / "lab.py").write_text("def robust(images, labels):\n    return images, labels\n")
    (tmp_path / "my.yaml").write_text(LAB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = []

    def fit(setting, nets, images, labels, *, progress):
        found.append((nets, images, labels))
        return 1.0, {}

    monkeypatch.setattr(calibration, "fit", fit)

    def given(*nets):
        main(["calibrate", "my.yaml", "learning_rate", *(f"{net}=3" for net in nets)])
        return found[-1]

    return given


def contents(images):
    return {image.numpy().tobytes() for image in images}


def test_nets_are_trained_on_their_own_part_of_their_own_dataset(calibrate):
    nets, images, labels = calibrate("half", "other")
    whole = contents(images.new_tensor(digits(test_share=0.5).train.images))
    assert 0.35 * len(whole) < len(images) == len(labels) < 0.45 * len(whole)  # half of 80%
    assert contents(images) < whole
    assert "validation" not in nets["half"].settings
    kept, _ = nets["other"].settings["validation"]
    assert 0.15 * len(whole) < len(kept) < 0.25 * len(whole)
    assert contents(kept) < whole - contents(images)


@pytest.mark.parametrize(
    ("nets", "message"),
    [(["one", "half"], "train of all, P1 of few"), (["derived"], "train of robust")],
)
def test_nets_of_several_datasets_or_of_a_derived_one_are_refused(calibrate, nets, message):
    with pytest.raises(SystemExit) as ended:
        calibrate(*nets)
    assert str(ended.value) == (
        "expected nets that are trained on one part of one dataset, which is not made from "
        f"another, found nets on {message}; name others"
    )
