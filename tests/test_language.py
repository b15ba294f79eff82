"""Docstrings begin as engineers expect: with a noun, or with the verb of what is done."""

import ast

import pytest

from tests.conftest import ROOT

HEADLESS = {
    "All", "As", "At", "By", "Every", "From", "How", "In", "Less", "Nothing", "Of", "On", "That",
    "Those", "To", "What", "Where", "Whether", "With",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "blindspots").rglob("*.py")), ids=str)
def test_docstrings_begin_with_a_noun_or_a_verb(path):
    said = [
        node.value.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    for text in said:
        assert not isinstance(text, str) or text.split()[0] not in HEADLESS, text
