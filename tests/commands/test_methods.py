"""`blindspots methods` lists the methods and their settings."""

import re

import pytest

from blindspots import __main__ as command
from blindspots.config import methods
from blindspots.config.catalogue import ROLES


def printed(capsys, *arguments):
    command.main(["methods", *arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_line_for_each_of_its_methods(capsys, role):
    one, every = printed(capsys, role), printed(capsys)
    names = methods.names(role)
    assert re.findall(r"^  (\w+) +\S", one, re.M) == names
    (section,) = [part for part in every.split("\n\n") if part.startswith(f"{role}\n")]
    assert section in one


def test_a_method_has_a_line_for_each_setting(capsys):
    text = printed(capsys, "models", "mlp")
    assert "  hidden: a list, each entry a whole number (at least 1); default []\n" in text
    assert "linear" in text
    assert "  activation: one of sigmoid, relu, tanh; default sigmoid\n" in text
    assert "shape" not in text
    assert "classes" not in text


def test_an_attack_has_its_targets_and_an_analysis_its_tables(capsys):
    assert "second_best" in printed(capsys, "attacks", "lbfgs")
    assert "target" not in printed(capsys, "attacks", "gaussian")
    assert "Reads the tables: transfer, clean, radii." in printed(capsys, "analyses", "excess")
    assert "Tables of each experiment: radii, curves" in printed(capsys, "measurements", "sweep")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["attack"], "ROLE: expected one of datasets, .*, found 'attack'; did you mean 'attacks'"),
        (["attacks", "lbgfs"], "expected one of closest, .*, found 'lbgfs'; did you mean 'lbfgs'"),
        (["models", "no_lab:net"], "expected a Python module that can be imported from here"),
    ],
)
def test_a_name_that_there_is_not_ends_with_one_line(arguments, message):
    with pytest.raises(SystemExit, match=message):
        command.main(["methods", *arguments])
