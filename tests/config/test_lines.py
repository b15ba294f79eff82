"""Messages name the line of the config that they are about."""

import pytest
import yaml

from blindspots.config.check import check
from blindspots.config.lines import place_of, source_of, written
from blindspots.interface import InputError
from tests.configs import ROOT, SCHEMA

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


def test_a_key_that_was_made_is_said_by_the_one_that_it_is_made_of():
    made = {
        "attacks.a-0.1": "attacks.a", "attacks.a-0.1.std": "attacks.a.std.0",
        "nets.x-P1": "nets.x", "nets.x.trainer.decay": "defaults.trainer.decay",
    }  # fmt: skip
    assert source_of("attacks.a-0.1.std", made) == "attacks.a.std.0"
    assert source_of("attacks.a-0.1.clip", made) == "attacks.a.clip"
    assert source_of("nets.x-P1.trainer.decay.2", made) == "defaults.trainer.decay.2"
    assert source_of("nets.y.trainer", made) == "nets.y.trainer"


def test_a_key_that_is_there_twice_has_a_line_and_what_is_merged_is_there_once(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n  x: 2\ngroups:\n  g: [a]\n  g: [b]\n")
    (line,) = written([file]).twice
    assert line == f"{file}, line 8: groups.g: expected one, found two; rename or remove one"


def test_null_clears_what_a_file_before_gave(tmp_path):
    files = [tmp_path / f"{number}.yaml" for number in range(3)]
    files[0].write_text("a: 1\nb: {c: 2, d: null}\ne: 3\n")
    files[1].write_text("a: null\nb: {c: null, d: null}\ne: ~\n")
    files[2].write_text("e: 4\n")
    assert written(files).cleared == {"a", "b.c"}
    assert written(files[:1], by_hand=["a"]).cleared == {"a"}
    assert written(files[:1], by_hand=["a"]).lines["a"] == "--config"


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


def test_a_key_of_the_command_line_is_said_as_such(tmp_path):
    text = (ROOT / "presets/digits.yaml").read_text("utf-8")
    (tmp_path / "my.yaml").write_text(text)
    raw = yaml.safe_load(text) | {"seeds": 3, "machine": {"threads": 0}}
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA, "my.yaml", written([tmp_path / "my.yaml"], ["seeds", "machine"]), "my")
    found = str(error.value).splitlines()
    assert [line.partition(": expected")[0] for line in found] == [
        "--config: machine.threads", "--config: seeds",
    ]  # fmt: skip
