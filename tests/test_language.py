"""Check the project's English: first words of docstrings, and phrases that must not occur."""

import ast
import re

import pytest

from blindspots.config import catalogue, methods
from tests.conftest import ROOT

HEADLESS = {
    "All", "As", "At", "By", "Every", "From", "How", "In", "Less", "Nothing", "Of", "On", "That",
    "Those", "To", "What", "Where", "Whether", "With",
}  # fmt: skip


STILTED = re.compile(r"\blikewise\b|\bthat (?:is|are) none\b|\bis none of\b|\bwhat is no\b")
"""Phrases that engineers do not write, each of which has a plainer form."""

PYTHON = [
    p for folder in ("blindspots", "scripts", "benchmarks") for p in (ROOT / folder).rglob("*.py")
]
WORKFLOW = [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
WORDS = [*PYTHON, *WORKFLOW, *(ROOT / "schemas").glob("*.yaml"), *PAGES]


def docstrings(path):
    text = path.read_text("utf-8")
    nodes = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    found = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [text for text in found if isinstance(text, str)]


@pytest.mark.parametrize("path", sorted(PYTHON), ids=str)
def test_docstrings_begin_with_a_noun_or_a_verb(path):
    for text in docstrings(path):
        assert text.split()[0] not in HEADLESS, text


@pytest.mark.parametrize("path", WORKFLOW, ids=str)
def test_docstrings_of_the_workflow_begin_with_a_noun_or_a_verb(path):
    firsts = re.findall(r'^\s*"""(\w+)', path.read_text("utf-8"), re.MULTILINE)
    assert not HEADLESS & {*firsts}


@pytest.mark.parametrize("path", sorted(WORDS), ids=str)
def test_no_text_has_a_stilted_phrase(path):
    assert not STILTED.findall(path.read_text("utf-8"))


@pytest.mark.parametrize("role", catalogue.ROLES)
def test_the_meaning_of_a_setting_begins_with_a_noun_or_a_verb(role):
    for name in methods.names(role):
        for setting in catalogue.settings(role, name):
            first = re.match(r"\w*", setting.meaning)[0]
            assert first.capitalize() not in HEADLESS - {"Whether"}, f"{name}: {setting}"
