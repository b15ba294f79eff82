"""Nets with `draws`: defaults, and where such nets are refused."""

import pytest
import yaml

from blindspots.config.check import check
from tests.configs import ROOT, SCHEMA, faults

FOUND = "expected deterministic nets, found coded with draws; leave it out"


@pytest.fixture
def raw():
    raw = yaml.safe_load((ROOT / "tests/workflow/small.yaml").read_text("utf-8"))
    raw["tables"], raw["figures"] = {"errors": raw["tables"]["errors"]}, {}
    return raw


def test_a_net_that_says_nothing_has_no_draws(raw):
    raw["nets"]["coded"]["draws"] = 5
    found = check(raw, SCHEMA)["nets"]
    assert (found["coded"]["draws"], found["linear"]["draws"]) == (5, None)


@pytest.mark.parametrize("draws", [0, -2, 1.5, "many", [3]])
def test_draws_are_a_whole_number_of_one_or_more(raw, draws):
    raw["nets"]["coded"]["draws"] = draws
    (line,) = faults(raw)
    assert "nets.coded.draws: " in line


@pytest.mark.parametrize(
    ("section", "name", "entry", "key"),
    [
        ("tables", "excess", {"method": "excess", "experiment": "both"}, "tables.excess"),
        ("tables", "slopes", {"method": "alignment", "experiment": "both"}, "tables.slopes"),
        ("figures", "curves", {"method": "curves", "experiment": "both"}, "figures.curves"),
        ("measurements", "few", {"method": "units", "nets": ["coded"], "n": 20, "k": 2},
         "measurements.few"),
        ("measurements", "few", {"method": "units", "nets": ["linear"], "n": 20,
                                 "reference_layer": "1",
                                 "parents": {"reference": "coded"}}, "measurements.few.parents"),
        ("measurements", "slopes", {"method": "gradients"}, "measurements.slopes"),
        ("datasets", "made", {"method": "tests.workflow.makers:towards",
                              "parents": {"net": "coded"}}, "datasets.made.parents"),
    ],
)  # fmt: skip
def test_what_shows_an_image_once_takes_no_net_with_draws(raw, section, name, entry, key):
    raw.setdefault(section, {})[name] = entry
    check(raw, SCHEMA)
    raw["nets"]["coded"]["draws"] = 5
    (line,) = faults(raw)
    assert f"{key}: {FOUND}" in line


def test_a_net_that_is_built_from_one_with_draws_says_how_many_itself(raw):
    (parent,) = raw["nets"]["coded"]["parents"].values()
    raw["nets"][parent]["draws"] = 5
    (line,) = faults(raw)
    assert f"nets.coded.parents: {FOUND.replace('coded', parent)}" in line
    raw["nets"]["coded"]["draws"] = 5
    check(raw, SCHEMA)
