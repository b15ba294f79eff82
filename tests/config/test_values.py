"""Values of a config that YAML reads differently than intended, or that no model can use."""

import json
from datetime import date
from itertools import pairwise

import pytest
import yaml

from blindspots.commands import _shared
from blindspots.config.check import check
from blindspots.config.loader import load
from blindspots.interface import InputError
from tests.configs import ROOT, SCHEMA, fault, full


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


@pytest.mark.parametrize("raw", [None, [], ["run"], "run", 3], ids=repr)
def test_what_is_no_mapping_is_no_config(raw):
    with pytest.raises(InputError) as error:
        check(raw, SCHEMA)
    assert str(error.value) == (
        f"config: top level: expected a mapping of keys (blindspots config), found "
        f"{'null' if raw is None else repr(raw)}"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sig\nmoid", "nets: expected letters, digits, '.', '_' or '-'"),
        ("sigmoid\n", "nets: expected letters, digits, '.', '_' or '-'"),
        ("s" * 20, "nets: expected a name without an end repeated twenty times, which"),
        ("FC" + "-10" * 20, "nets: expected a name without an end repeated twenty times"),
        ("".join(map(str, range(110)))[:201], "nets: expected at most 200 characters"),
    ],
)
def test_names_that_files_or_wildcards_cannot_have_are_refused(raw, name, told):
    message = fault(raw, "nets", name, value={"model": {"method": "mlp"}, "weights": "w.pth"})
    assert message.startswith(f"my.yaml: {told}")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("name", ["s" * 19, "FC" + "-10" * 19, "".join(map(str, range(100)))[:190]])
def test_other_names_are_right_however_long(raw, name):
    raw["nets"][name] = {"model": {"method": "mlp"}, "weights": "w.pth"}
    longest = f".{name}.s2147483647.parquet.part"  # of a table while it is written
    assert check(raw, SCHEMA)["nets"][name]["label"] == name
    assert len(longest) <= 255


@pytest.mark.parametrize(
    ("value", "found"),
    [(True, "true"), (2024, "2024"), (date(2024, 1, 1), "2024-01-01")],
    ids=repr,
)
def test_a_name_that_yaml_took_for_something_else_is_to_be_quoted(raw, value, found):
    message = fault(raw, "run", value=value)
    assert message == (
        "my.yaml: run: expected text (name of the run, whose results are in results/{run}; by "
        "default the name of the config file), "
        f"found {found}; put it in quotes"
    )


@pytest.mark.parametrize("value", [1e39, float("inf"), 1e300])
@pytest.mark.parametrize(
    "path",
    [("experiments", "cross-training-set", "amplify"), ("nets", "AE32", "model", "hidden")],
    ids=lambda path: path[-1],
)
def test_numbers_that_float32_does_not_hold_are_refused(raw, path, value):
    message = fault(raw, *path, value=[value])
    assert message.startswith(f"my.yaml: {'.'.join(path)}.0: expected a finite number, at most 3.4")


def test_a_number_of_more_digits_than_python_writes_is_refused_in_a_line(raw):
    message = fault(raw, "run", value=16**6000)
    assert message == "my.yaml: run: expected a whole number of at most 64 bits, found a longer one"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("experiments", "cross-training-set", "amplify"), [1e7]),
        (("experiments", "cross-training-set", "distortions"), [0.1, 10**10]),
        (("attacks", "gaussian-0.1", "std"), 1e30),
        (("attacks", "gaussian-0.1", "distortion"), "1e7"),
    ],
)
def test_lengths_that_float32_cannot_square_and_sum_are_refused_with_the_reason(raw, path, value):
    if path[-1] == "distortion":
        del raw["attacks"][path[1]]["std"]
    message = fault(raw, *path, value=value)
    assert "expected at most 1000000" in message
    assert "that float32 can square and sum" in message
    assert len(message.splitlines()) == 1


def test_half_a_character_is_refused(raw):
    message = fault(raw, "nets", "AE32", "label", value="\ud800")
    assert message == (
        "my.yaml: nets.AE32.label: expected Unicode, found half of a character in '\\ud800'"
    )


def test_what_a_line_shows_of_a_value_is_bounded(raw):
    message = fault(raw, "seeds", value={str(i): 0 for i in range(10_000)})
    assert len(message.splitlines()) == 1
    assert len(message) < 400


def endless():
    """Return the number of values that a few lines of YAML expand to."""
    wide = ["x"] * 10
    for _ in range(10):
        wide = [wide] * 10
    inside = {}
    inside["itself"] = inside
    return {"aliases of aliases": {"run": wide}, "an alias of itself": inside}


@pytest.mark.parametrize("name", endless())
def test_a_config_without_end_is_refused_in_a_line(name):
    with pytest.raises(
        InputError, match=r"^my\.yaml: expected at most \d+ \w+, found more"
    ) as error:
        check(endless()[name], SCHEMA, "my.yaml")
    assert "\n" not in str(error.value)


# Files.


@pytest.fixture
def read(tmp_path):
    """A function from a file's text or bytes to what a command reads from it, or its message."""

    def of(text):
        path = tmp_path / "my.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            return _shared.read(path)
        except InputError as error:
            said = str(error).removeprefix(str(path))[2:]  # after ": " or ", "
            assert len(said.splitlines()) == 1
            return said

    return of


START = (ROOT / "presets/start.yaml").read_text("utf-8")


def bomb(pattern):
    """Return lines of YAML of which each expands to ten times the one before."""
    lines = [
        f"{b}: &{b} {pattern.format(','.join([f'*{a}'] * 10))}" for a, b in pairwise("abcdefghijk")
    ]
    return "\n".join(["a: &a {x: 1}", *lines])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (bomb("[{}]"), "expected at most 100000 values, found more; the values of an alias"),
        (bomb("{{<<: [{}]}}"), "expected at most 100000 values, found more; the values of"),
        ("a: &a {b: *a}", "expected at most 50 levels, found more, as when an alias (*name)"),
        ("a: &a {<<: *a}", "expected at most 50 levels, found more, as when an alias (*name)"),
        ("a: " + "[" * 5000, "expected a YAML config, found none (maximum recursion depth"),
        ("", "top level: expected a mapping of keys (blindspots config), found null"),
        ("- run", "top level: expected a mapping of keys (blindspots config), found ['run']"),
        ("run: a\n---\nrun: b", "line 2: expected a YAML config, found another document"),
        (
            "run:\n\ta: 1",
            "line 2: expected a YAML config, found character '\\t' that cannot start "
            "any token; indent with spaces",
        ),
        ("a: b: c", "line 1: expected a YAML config, found none (mapping values are not allowed"),
        ("run: \0", "expected a YAML config, found none (unacceptable character #x0000"),
        (
            "run: !!python/name:os.system",
            "line 1: expected a YAML config, found none (could not determine",
        ),
        ("? [a]\n: 1", "line 1: expected a YAML config, found unhashable key"),
        (f"seeds: [{'9' * 5000}]", "expected a YAML config, found none (Exceeds the limit (4300"),
        ("1: a\n'1': b", "line 2: expected a YAML config, found the key '1' twice; rename or"),
        (START.encode("utf-16"), "expected UTF-8, found other text ('utf-8' codec can't decode"),
        (f"{START}# \xe9".encode("latin-1"), "expected UTF-8, found other text"),
        (
            f"{START}\n2024-01-01: a",
            f"line {START.count(chr(10)) + 2}: 2024-01-01: expected only the keys run",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "bytes",
)
def test_a_file_that_is_no_config_is_refused_in_a_line(read, text, told):
    said = read(text)
    assert said.startswith(told)


@pytest.mark.parametrize(
    "text",
    [START, "\ufeff" + START, START.replace("\n", "\r\n"), json.dumps(yaml.safe_load(START))],
    ids=["as it is", "after a byte order mark", "with CRLF", "as JSON"],
)
def test_a_config_may_be_written_in_other_ways(read, text):
    assert read(text) == check(yaml.safe_load(START), SCHEMA, run="my")


def test_what_is_merged_may_be_overridden_wherever_it_is_merged_again(tmp_path):
    (tmp_path / "my.yaml").write_text("x: {y: &b {<<: &a {p: 1, q: 2}, p: 3}}\nz: {<<: *b, r: 4}\n")
    found = load(tmp_path / "my.yaml")
    assert found == {"x": {"y": {"p": 3, "q": 2}}, "z": {"p": 3, "q": 2, "r": 4}}


@pytest.mark.parametrize(("path", "found"), [("", "a folder"), ("none.yaml", "no such file")])
def test_what_is_no_file_is_said(tmp_path, path, found):
    with pytest.raises(InputError) as error:
        _shared.read(tmp_path / path)
    assert str(error.value) == f"{tmp_path / path}: expected a YAML config, found {found}"
