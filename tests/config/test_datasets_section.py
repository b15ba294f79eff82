"""The section `datasets`: defaults and faults."""

import copy

import pytest
import yaml

from blindspots.config.check import check
from tests.configs import ROOT, SCHEMA, faults

MADE = "tests.workflow.makers:towards"
DRAWN = "tests.workflow.makers:relabelled"


@pytest.fixture
def raw():
    return yaml.safe_load((ROOT / "tests/workflow/small.yaml").read_text("utf-8"))


def test_where_one_dataset_is_plain_it_is_meant_by_all_that_name_none(raw):
    short = check(raw, SCHEMA)
    del raw["data"]
    raw["datasets"] = {"digits": {"method": "digits"}}
    assert check(raw, SCHEMA) == short
    raw["datasets"]["made"] = {"method": MADE, "parents": {"net": "linear"}}
    found = check(raw, SCHEMA)
    assert found["datasets"]["made"]["data"] == "digits"
    assert {net["data"] for net in found["nets"].values()} == {"digits"}


def test_the_section_data_is_meant_by_all_that_name_none_beside_any_number_of_others(raw):
    raw["datasets"] = {"other": {"method": "spheres"}}
    found = check(raw, SCHEMA)
    assert list(found["datasets"]) == ["digits", "other"]
    assert found["experiments"]["both"]["data"] == "digits"


@pytest.mark.parametrize(
    ("datasets", "way", "value", "message"),
    [
        ({}, ("nets", "linear", "data"), "digit", "nets.linear.data: expected a dataset of this "
         "config (digits), found 'digit'; did you mean 'digits'?"),
        ({}, ("experiments", "both", "data"), "x", "experiments.both.data: expected a dataset"),
        ({"made": {"method": DRAWN, "data": "x"}}, None, None,
         "datasets.made.data: expected a dataset of this config (digits, made), found 'x'"),
        ({"made": {"method": MADE, "parents": {"net": "digits"}}}, None, None,
         "datasets.made.parents.net: expected a net of this config"),
        ({"made": {"method": MADE, "data": "digits"}}, None, None,
         f"datasets.made: expected parents for {MADE}, found none; add them"),
        ({"made": {"method": DRAWN, "parents": {"net": "linear"}}}, None, None,
         f"datasets.made.parents: expected none for {DRAWN}, found some; remove them"),
        ({"made": {"method": MADE, "parents": {"net": "linear"}}}, ("nets", "linear", "data"),
         "made", "nets.linear.data: expected no cycle, found one through linear"),
        ({"a": {"method": DRAWN, "data": "b"}, "b": {"method": DRAWN, "data": "a"}}, None, None,
         "datasets.a.data: expected no cycle, found one through a"),
        ({"made": {"method": "digits", "data": "digits"}}, None, None,
         "datasets.made.method: expected a function with parameters (images, labels)"),
        ({"digits": {"method": "spheres"}}, None, None,
         "data.name: expected a name that no entry of datasets has, found digits"),
        ({"made": {"method": MADE, "parents": {"net": "linear"}, "stepp": 1}}, None, None,
         "datasets.made.stepp: expected a setting of"),
    ],
)  # fmt: skip
def test_names_that_name_nothing_and_what_is_made_from_itself_are_refused(
    raw, datasets, way, value, message
):
    raw = copy.deepcopy(raw)
    if datasets:
        raw["datasets"] = datasets
    if way:
        section, name, key = way
        raw[section][name][key] = value
    (fault,) = faults(raw)
    assert message in fault


def test_of_several_plain_datasets_one_must_be_named(raw):
    del raw["data"]
    raw["datasets"] = {"digits": {"method": "digits"}, "other": {"method": "spheres"}}
    found = faults(raw)
    assert len(found) == 4  # three nets and an experiment
    assert all("expected the key 'data', found none; name one of datasets" in f for f in found)


def test_without_any_dataset_there_is_one_fault(raw):
    del raw["data"]
    (fault,) = faults(raw)
    assert "top level: expected the key 'data', or 'datasets', found neither" in fault


def test_images_of_a_seed_of_its_own_are_not_shown_across_seeds(raw):
    raw["datasets"] = {"made": {"method": DRAWN, "data": "digits"}}
    raw["experiments"]["both"] |= {"data": "made", "across_seeds": True}
    (fault,) = faults(raw)
    assert "experiments.both.across_seeds: expected false with made" in fault
