"""The clean error that a config expects of a net: defaults, and where it is refused."""

import pytest
import yaml

from blindspots.config.check import check
from tests.configs import ROOT, SCHEMA, faults


@pytest.fixture
def raw():
    raw = yaml.safe_load((ROOT / "tests/workflow/small.yaml").read_text("utf-8"))
    raw["nets"]["theirs"] = {"model": {"method": "mlp", "hidden": []}, "weights": "theirs.pth"}
    return raw


def test_it_is_of_the_test_images_and_ends_no_run_where_nothing_else_is_said(raw):
    raw["nets"]["theirs"]["expect"] = {"error": 1.8}
    found = check(raw, SCHEMA)
    assert found["nets"]["theirs"]["expect"] == {
        "error": 1.8, "part": "test", "tolerance": None, "required": False,
    }  # fmt: skip
    assert found["nets"]["linear"]["expect"] is None


def test_the_digits_of_text_stay(raw):
    raw["nets"]["theirs"]["expect"] = {"error": "1.80"}
    assert check(raw, SCHEMA)["nets"]["theirs"]["expect"]["error"] == "1.80"


def test_it_is_for_given_weights(raw):
    raw["nets"]["linear"]["expect"] = {"error": 1.8}
    assert faults(raw) == [
        "nets.linear.expect: expected it for a net with given weights, found a trainer; remove it"
    ]


def test_an_exported_net_may_have_it(raw):
    raw["nets"]["theirs"] = {
        "model": {"method": "exported", "file": "theirs.pt2"}, "expect": {"error": 3, "part": "P1"},
    }  # fmt: skip
    assert check(raw, SCHEMA)["nets"]["theirs"]["expect"]["part"] == "P1"


@pytest.mark.parametrize(
    ("expect", "part"),
    [
        ({}, "nets.theirs.expect: expected the key 'error', found none; add it"),
        (1.8, "nets.theirs.expect: expected a mapping of keys or null"),
        ({"error": 101}, "nets.theirs.expect.error: expected at most 100 (in percent"),
        ({"error": "low"}, "nets.theirs.expect.error: expected a number from 0 to 100 (in percent"),
        ({"error": "101.0"}, "nets.theirs.expect.error: expected a number from 0 to 100 (in perc"),
        ({"error": 1, "tolerance": -1}, "nets.theirs.expect.tolerance: expected at least 0"),
        ({"error": 1, "part": "dev"}, "nets.theirs.expect.part: expected one of train, P1"),
        ({"error": 1, "of": "test"}, "nets.theirs.expect.of: expected only the keys error, par"),
    ],
)
def test_another_is_one_line(raw, expect, part):
    raw["nets"]["theirs"]["expect"] = expect
    (line,) = faults(raw)
    assert part in line
