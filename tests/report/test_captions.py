"""Captions in Snakemake's own report: names from the config stay text."""

import re
from types import SimpleNamespace

import jinja2
import pytest
from docutils.core import publish_parts

from tests.conftest import ROOT

TITLES = [
    "c·|r| by *p* and FC10_",
    "see `x <javascript:alert(1)>`_ \\ {{ 1 }}",
    ".. raw:: html\n\n   <script>alert(1)</script>\n\nx",
    "1. Errors: 10% & more",
]


def caption(name, **given):
    """Return the caption's HTML, and its text."""
    template = jinja2.Environment().from_string((ROOT / f"reports/{name}.rst").read_text("utf-8"))
    text = template.render(snakemake=SimpleNamespace(**given))
    html = publish_parts(text, writer="html")["body"]
    return html, re.sub(r"<[^>]*>", "", html).strip()


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("name", ["figure", "table"])
def test_a_title_is_text(name, title):
    html, text = caption(name, params=SimpleNamespace(**{name: {"title": title}}))
    escaped = " ".join(title.split())
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = escaped.replace(mark, entity)
    assert text.startswith(f"{escaped}.")
    assert set(re.findall(r"<(\w+)", html)) == {"p"}


def test_the_name_of_a_dataset_is_text():
    html, text = caption("workflow", config={"run": "a_", "datasets": {"my_data_": {}}})
    assert "run a_ on\nmy_data_, after" in text
    assert "problematic" not in html
