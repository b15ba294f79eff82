"""The catalogue of methods describes the values that a config may give a setting."""

import ast
import re

import pytest

from blindspots.config import catalogue, methods
from blindspots.config.annotations import misfit
from blindspots.config.declarations import OF_EXPERIMENTS
from blindspots.config.settings import method_faults

OURS = [(role, name) for role in catalogue.ROLES for name in methods.names(role)]
COUNT = "Annotated[int, at_least(1)]"


def parsed(annotation):
    return ast.parse(annotation, mode="eval").body


@pytest.mark.parametrize(("role", "name"), OURS)
def test_every_method_has_a_summary_and_every_setting_a_meaning(role, name):
    assert catalogue.summary(role, name).endswith(".")
    for setting in catalogue.settings(role, name):
        assert setting.meaning, setting.name
        assert "[" not in setting.values.replace("[epoch, value]", ""), setting  # no Python left


@pytest.mark.parametrize(("role", "name"), OURS)
def test_the_settings_without_a_default_are_those_that_a_config_must_give(role, name):
    lines = method_faults("mine", role, {"method": name, "root": None}, {})
    asked = {re.search(r"expected the setting '(\w+)'", line)[1] for line in lines}
    assert {one.name for one in catalogue.settings(role, name) if one.default is None} == asked


@pytest.mark.parametrize(("role", "name"), OURS)
def test_the_settings_are_those_that_a_message_names(role, name):
    given = {"method": name, "root": None}
    (line, *_) = method_faults("mine", role, given, {"no_setting": 1})
    named = re.search(r"setting of \w+ \((.*?)\), found", line)[1].split(", ")
    elsewhere = {"none", "root", *(OF_EXPERIMENTS if role == "measurements" else ())}
    found = {one.name for one in catalogue.settings(role, name)}
    assert found - {"root"} == {*named} - elsewhere


@pytest.mark.parametrize(("role", "name"), OURS)
def test_a_default_that_the_source_spells_out_is_one_of_the_values(role, name):
    parameters = methods.parameters_of(role, name)
    for setting, value in methods.defaults(role, name).items():
        annotation = parameters[setting].annotation
        value = list(value) if isinstance(value, tuple) else value
        assert annotation is None or misfit(value, annotation) is None, setting


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", "a whole number"),
        ("Annotated[float, above(0), below(1)]", "a number (more than 0, less than 1)"),
        (f"{COUNT} | None", "a whole number (at least 1), or null"),
        ("Literal['mean', 'max']", "one of mean, max"),
        ("Literal['adam']", "adam"),
        (f"Annotated[Sequence[{COUNT}], some()]",
         "a list (at least 1 entry), each entry a whole number (at least 1)"),
        ("Tensor | float", "a number"),
        ("Annotated[str, own_weights()]", "a file"),
        ("Annotated[str | None, mirror()]", "a folder, or null"),
        ("Annotated[Sequence[Sequence[float]], over_epochs()]",
         "pairs [epoch, value] of rising epochs from 0 and values of at least 0"),
        ("Annotated[Sequence[Sequence[float]], over_epochs(1)]",
         "pairs [epoch, value] of rising epochs from 0 and values of at least 0 and less than 1"),
        ("Annotated[Annotated[Sequence[Sequence[float]], over_epochs()], moving()]",
         "pairs [epoch, value] of rising epochs from 0 and values of at least 0 (a value above 0 "
         "at some epoch)"),
        ("Annotated[str, one_of_its('printed')]", "one of the printed tables"),
        ("Mapping[str, int]", "a mapping, each key text, each value a whole number"),
        ("Annotated[int, interval(0, 1)]", "a whole number"),
        ("Path", "Path"),
    ],
)  # fmt: skip
def test_an_annotation_in_words(annotation, expected):
    assert catalogue.words(parsed(annotation)) == expected


def test_a_method_of_ones_own_is_read_and_not_imported(tmp_path, monkeypatch):
    (tmp_path / "steps_of_catalogue.py").write_text("STEPS = 7\n")
    (tmp_path / "catalogue_lab.py").write_text(
        "raise RuntimeError\nfrom steps_of_catalogue import STEPS\n"
        "def attack(model, images, labels, targets, *, eps: float, steps: int = STEPS,\n"
        "           start=object(), box=None):\n"
        '    """Projected gradients.\n\n    More.\n\n    Args:\n'
        "        eps: radius.\n        steps: of each image; None: no\n            limit.\n"
        '    """\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert catalogue.summary("attacks", "catalogue_lab:attack") == "Projected gradients."
    assert catalogue.settings("attacks", "catalogue_lab:attack") == [
        ("eps", "a number", None, "radius."),
        ("steps", "a whole number", "7", "of each image; null: no limit."),
        ("start", "any value", "object()", ""),
    ]


def test_the_keys_of_an_entry_are_those_that_its_method_has_a_use_for():
    assert catalogue.keys("attacks", "closest") == {"target", "mask"}
    assert catalogue.keys("attacks", "gaussian") == set()
    assert catalogue.keys("measurements", "sweep") == {"experiments"}
    assert catalogue.keys("measurements", "operators") == {"model", "shape", "classes", "weights"}
    assert catalogue.keys("measurements", "units") == {"nets", "data", "part", "n", "parents"}
    assert catalogue.keys("measurements", "layers") == {"nets", "part"}
    assert catalogue.keys("models", "mlp") == set()
