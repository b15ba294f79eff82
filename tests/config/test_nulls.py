"""A null of an overlay removes what is there; one that removes nothing is a fault."""

import pytest
import yaml

from blindspots.config.lines import written
from blindspots.config.reading import full_form, laid_over
from tests.config.test_expansion import SHORT, faults
from tests.configs import SCHEMA


@pytest.mark.parametrize(
    ("over", "gone"),
    [
        ("nets: {linear: null}\nexperiments: {some: {nets: halves}}", ("nets", "linear")),
        ("attacks: {gaussian-0.1: null}", ("attacks", "gaussian-0.1")),
        (
            "attacks: {gaussian: null}\nexperiments: {all: {controls: null}}",
            ("attacks", "gaussian-0.1"),
        ),
        ("experiments: {all-8: null}", ("experiments", "all-8")),
        ("figures: {examples-all-8: null}\nreport: standard", ("figures", "examples-all-8")),
        ("nets: {coder: {trainer: null, weights: w.pth}}", ("nets", "coder", "trainer")),
        ("nets: {linear: {trainer: null, weights: w.pth}}", ("nets", "linear", "trainer")),
    ],
)
def test_null_removes_what_is_there(tmp_path, over, gone):
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for file, text in zip(files, (SHORT, over), strict=True):
        file.write_text(text, "utf-8")
    raw = laid_over(yaml.safe_load(SHORT), yaml.safe_load(over))
    found = full_form(raw, SCHEMA, "a, b", written(files), "short").config
    *way, last = gone
    for step in way:
        found = found[step]
    assert last not in found


TINY = {
    "data": "digits",
    "nets": {"a": {"model": "mlp", "trainer": {"method": "sgd", "epochs": 1}}},
    "attacks": {"closest": {"target": "any"}},
    "experiments": {"m": {"n": [5, 6]}},
}


def test_null_alone_in_a_section_leaves_its_defaults():
    for section, name in (("figures", "examples-m-5"), ("certificates", "product")):
        found = full_form(TINY | {section: {name: None}}, SCHEMA, run="tiny").config
        usual = full_form(TINY, SCHEMA, run="tiny").config
        assert found[section].keys() == usual[section].keys() - {name} != usual[section].keys()


def test_a_name_for_several_experiments_means_those_that_are_left():
    table = {"x": {"method": "errors", "experiment": "m", "parts": ["test"]}}
    raw = TINY | {"experiments": {"m": {"n": [5, 6]}, "m-5": None}, "tables": table}
    found = full_form(raw, SCHEMA, run="tiny").config
    assert [*found["experiments"]] == ["m-6"]
    assert {of["experiment"] for of in found["tables"].values()} == {"m-6"}


@pytest.mark.parametrize(
    "key",
    ["nets.lin", "attacks.gaussian-0.2", "experiments.all.amplify", "tables.errors", "report"],
)
def test_null_that_removes_nothing_is_a_fault_in_the_line_of_the_overlay(tmp_path, key):
    over = {}
    place = over
    *way, last = key.split(".", 2) if not key.startswith("attacks") else key.split(".", 1)
    for step in way:
        place = place.setdefault(step, {})
    place[last] = None
    (line,) = faults(tmp_path, SHORT, "# what differs\n" + yaml.safe_dump(over))
    assert line.startswith("1.yaml, line ")
    assert f"{key}: expected a key that null can remove, found none of this" in line
