"""Every table and figure is in one section, that of its subject."""

import pytest

from blindspots.config.check import check
from blindspots.report.sections import sections
from tests.configs import SCHEMA, full


def preset(*names):
    return check(full(*names), SCHEMA)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["presets/digits.yaml"], ["experiment-cross-model", "experiment-cross-training-set"]),
        (["papers/szegedy2013/units.yaml"], ["measurement-lenet", "measurement-lenet-others"]),
        (
            ["papers/szegedy2013/norms.yaml"],
            ["experiment-norms", "measurement-alexnet", "measurement-alexnet-paper",
             "measurement-alexnet-groups"],
        ),
        (
            ["config.yaml", "papers/szegedy2013/multiverse.yaml"],
            ["experiment-cross-model", "experiment-cross-training-set",
             "experiment-cross-model-10000", "experiment-cross-training-set-10000",
             "experiment-cross-model-closest", "experiment-cross-model-read-c-bisected",
             "measurement-alexnet", "measurement-alexnet-paper",
             "measurement-alexnet-groups", "experiments"],
        ),
    ],
)  # fmt: skip
def test_every_table_and_figure_is_in_one_section(names, keys):
    settings = preset(*names)
    found = sections(settings)
    assert [section.key for section in found] == keys
    for kind in ("tables", "figures"):
        shown = [name for section in found for name in getattr(section, kind)]
        assert sorted(shown) == sorted(settings[kind])


def test_a_section_says_what_it_is_of():
    facts = {section.key: section.facts for section in sections(preset("presets/digits.yaml"))}
    assert facts["experiment-cross-training-set"] == (
        "lbfgs (lbfgs, target random) on the first 128 images of part test, made for FC50-50-10 "
        "(P1), FC50-50-10′ (P2); shown to FC50-50-10 (P1), FC50-50-10′ (P2). Controls: "
        "gaussian-0.1, on 128 images. Also amplified to a distortion of 0.2."
    )
    units, _ = sections(preset("papers/szegedy2013/units.yaml"))
    assert "units of LeNet (ReLU), LeNet (sigmoid), on the first 10000 images" in units.facts
    assert "rotations = 2879" in units.facts
    raw = full("papers/szegedy2013/units.yaml")
    raw["datasets"] = {"mine": {"method": "mnist"}}
    raw["measurements"]["lenet"]["data"] = "mine"
    units, _ = sections(check(raw, SCHEMA))
    assert "the first 10000 images of part test, dataset mine; " in units.facts
    assert "data = " not in units.facts
    *_, groups = sections(preset("papers/szegedy2013/norms.yaml"))
    assert "groups = [1, 2, 1, 2, 2]" in groups.facts
    assert "weights: fresh, of seed 0" in groups.facts
    around, in_box = sections(preset("papers/szegedy2013/pockets.yaml"))[1:]
    assert around.facts.startswith("pockets in the experiment pockets; multiples = [1, 2, 4, 8], ")
    assert around.facts.endswith("clipped = false.") and in_box.facts.endswith("clipped = true.")
