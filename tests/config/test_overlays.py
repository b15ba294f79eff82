"""Files laid over a config: nulls beside other faults, and YAML's merge keys."""

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.lines import written
from blindspots.config.reading import laid_over
from blindspots.interface import InputError
from tests.configs import SCHEMA

BASE = """data: digits
nets:
  A: &a
    label: x
    model: {method: mlp, hidden: []}
    trainer: {method: lbfgs, decay: 1e-3}
  B: {<<: *a, label: y}
groups: {half: [A]}
attacks: {closest: {target: any}}
experiments: {transfer: {n: 8}}
"""


def checked(tmp_path, *texts):
    """Return the checked config of files laid over each other, without the folder in messages."""
    files, raw = [], {}
    for number, text in enumerate(texts):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(text, "utf-8")
        raw = laid_over(raw, yaml.safe_load(text))
    try:
        return check(raw, SCHEMA, "my.yaml", written(files), "my")
    except InputError as error:
        raise InputError(str(error).replace(f"{tmp_path}/", "")) from None


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("experiments: {transfer: {nets: halfs}}", "experiments.transfer.nets: expected a net"),
        ("nets: {C: {trainer: lbfgs}}", "nets.C: expected the key 'model', found none"),
        ("report: standrd", "report: expected report sets ("),
    ],
)
def test_a_null_for_an_entry_that_is_generated_is_no_fault_beside_a_real_one(tmp_path, fault, told):
    with pytest.raises(InputError) as error:
        checked(tmp_path, BASE, f"figures: {{examples: null}}\n{fault}\n")
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"1.yaml, line 2: {told}")
    found = checked(tmp_path, BASE, "figures: {examples: null}\n")
    assert "distortions" in found["figures"]
    assert "examples" not in found["figures"]


def test_a_null_that_no_entry_can_match_is_told_beside_another_fault(tmp_path):
    with pytest.raises(InputError, match=r"^1\.yaml, line 1: nets\.D: expected a key that null"):
        checked(tmp_path, BASE, "nets: {D: null}\nreport: standrd\n")


def test_null_takes_back_a_key_that_another_entry_lends_by_a_merge(tmp_path):
    found = checked(tmp_path, BASE, "nets: {B: {trainer: null, weights: w.pth}}\n")["nets"]
    assert (found["B"]["trainer"], found["B"]["weights"]) == (None, "w.pth")
    assert found["A"]["trainer"]["method"] == "lbfgs"


def test_a_merged_key_has_the_line_of_the_entry_that_lends_it(tmp_path):
    (tmp_path / "0.yaml").write_text(BASE, "utf-8")
    lines = written([tmp_path / "0.yaml"]).lines
    places = {"B": 7, "B.label": 7, "B.model": 5, "B.trainer.decay": 6, "A.label": 4}
    for key, line in places.items():
        assert lines[f"nets.{key}"] == f"{tmp_path}/0.yaml, line {line}"


def test_of_several_merged_mappings_the_first_lends_a_key_and_its_line(tmp_path):
    text = "a: &a {label: x}\nb: &b {label: y,\n  n: 1}\nc: {<<: [*a, *b]}\n"
    (tmp_path / "0.yaml").write_text(text, "utf-8")
    lines = written([tmp_path / "0.yaml"]).lines
    assert yaml.safe_load(text)["c"] == {"label": "x", "n": 1}
    assert lines["c.label"] == f"{tmp_path}/0.yaml, line 1"
    assert lines["c.n"] == f"{tmp_path}/0.yaml, line 3"
