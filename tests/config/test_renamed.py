"""A key of an earlier edition ends in one line that names its successor."""

import re

import pytest
import yaml

from blindspots.config import renamed
from blindspots.config.check import check
from blindspots.config.lines import written
from blindspots.config.renamed import renamed_faults
from blindspots.interface import InputError
from tests.configs import ROOT, SCHEMA, faults, short


@pytest.fixture
def raw():
    return {"run": "old"} | short("presets/digits.yaml")


def test_an_old_key_is_one_line_with_its_place_and_its_successor(tmp_path):
    text = "decay_scale: 1\n" + (ROOT / "presets/digits.yaml").read_text("utf-8")
    file = tmp_path / "old.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as error:
        check(yaml.safe_load(text), SCHEMA, str(file), written([file]))
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{file}, line 1: decay_scale: expected the setting decay_factor of a")
    assert "nets.NAME.trainer" in line


@pytest.mark.parametrize("section", ["defaults", "nets.FC10-1e-4"])
def test_a_renamed_setting_of_a_trainer_is_one_line_with_its_successor(raw, section):
    place = raw
    for step in section.split("."):
        place = place[step]
    place["trainer"]["decay_scale"] = 4
    assert faults(raw) == [
        f"{section}.trainer.decay_scale: expected decay_factor (with decay_per: none, the decay is "
        "not divided by the layer's units), found a key of an earlier edition; replace it"
    ]


def test_other_trainers_may_have_a_setting_of_a_renamed_ones_name(raw):
    raw["nets"]["FC50-50-10"]["trainer"] = {"method": "my_lab:train", "decay_scale": 4}
    raw["nets"]["FC50-50-10-P1"]["trainer"] = "my_lab:train"
    assert [*renamed_faults(raw)] == []


def test_a_star_stands_for_any_name(monkeypatch):
    monkeypatch.setattr(renamed, "RENAMED", {"nets.*.parents": "nets.*.made_of"})
    config = {"nets": {"a": {"parents": {}}, "b": {"model": 1}, "c": {"parents": 2}, "d": []}}
    found = [line.partition(":")[0] for line in renamed_faults(config)]
    assert found == ["nets.a.parents", "nets.c.parents"]


def test_a_value_of_a_key_may_be_of_an_earlier_edition(raw):
    raw["tables"]["mine"] = {"method": "verdicts", "experiment": "cross-model", "claims": []}
    raw["tables"]["yours"] = {"method": "my_lab:verdicts", "experiment": "cross-model"}
    (line,) = renamed_faults(raw)
    assert line.startswith("tables.mine.method: expected a table of method effects for each")


@pytest.mark.parametrize("given", ["first_success", ["bisect", "first_success"]])
def test_an_old_value_is_named_alone_or_among_several(raw, given):
    raw["attacks"]["mine"] = {"method": "lbfgs", "search": given}
    (line,) = renamed_faults(raw)
    assert line.startswith("attacks.mine.search: expected search: grid, with grid_ratio: 10 as by")
    assert line.endswith("found a value of an earlier edition; replace it")
    raw["attacks"]["mine"]["search"] = "grid"
    assert not list(renamed_faults(raw))


@pytest.mark.parametrize("config", [None, [], "text", {"nets": None}, {"nets": {"a": None}}])
def test_what_is_no_mapping_has_no_old_keys(config, monkeypatch):
    monkeypatch.setattr(renamed, "RENAMED", {"nets.*.parents": "nets.*.made_of"})
    assert list(renamed_faults(config)) == []


@pytest.mark.parametrize("pattern", renamed.RENAMED)
def test_every_old_key_is_one_line_in_place_of_what_the_schema_would_say(raw, pattern):
    way, _, value = re.sub(":[a-z]+", "", pattern).replace("*", "old").partition("=")
    *parents, key = way.split(".")
    section = raw
    for parent in parents:
        section = section.setdefault(parent, {})
    section[key] = value or {}
    what = "value" if value else "key"
    assert faults(raw) == [
        f"{way}: expected {renamed.RENAMED[pattern]}, found a {what} of an earlier edition; "
        "replace it"
    ]
