"""Messages name the line of the config that they are about."""

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.lines import place_of, written
from blindspots.interface import InputError
from tests.config.test_check import ROOT, SCHEMA

TEXT = """run: a
nets:
  x.y: &x
    model: {method: mlp,
      hidden: [3, 4]}
    "a\\nb": 1
  z: *x
"""


def test_each_key_has_the_line_that_it_begins_in_of_the_last_file_that_has_it(tmp_path):
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(TEXT)
    two.write_text("# over it\nnets:\n  z:\n    model: 1\n")
    found = written([one, two, tmp_path / "none.yaml"]).lines
    assert found["run"] == f"{one}, line 1"
    assert found["nets"] == f"{two}, line 2"
    assert found["nets.x.y.model.hidden.1"] == f"{one}, line 5"
    assert found["nets.x.y.'a\\nb'"] == f"{one}, line 6"
    assert found["nets.z.model"] == f"{two}, line 4"
    assert found["nets.z.model.hidden"] == f"{one}, line 5"


def test_a_fault_is_where_its_key_is_or_the_nearest_around_it():
    known = {"nets": "2", "nets.x": "3"}
    assert place_of("nets.x.model.hidden", known) == "3"
    assert place_of("nets.y", known) == "2"
    assert place_of("top level", known) is None


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: [\n", "- 1\n", "", "\x00"])
def test_files_without_keys_or_an_end_have_the_lines_that_they_have(tmp_path, text):
    (tmp_path / "my.yaml").write_text(text)
    assert all("line 1" in place for place in written([tmp_path / "my.yaml"]).lines.values())


def test_a_check_says_the_line(tmp_path):
    text = (ROOT / "presets/digits.yaml").read_text("utf-8")
    (tmp_path / "my.yaml").write_text(text)
    raw = yaml.safe_load(text)
    raw["splits"]["validation"] = -1
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "validation:" in line)
    with pytest.raises(InputError, match=rf"my\.yaml, line {number}: splits\.validation: expected"):
        check(raw, SCHEMA, "my.yaml", written([tmp_path / "my.yaml"]), "my")
