"""The pages of the library's functions: their content, and complete docstrings."""

import ast
import re

import pytest

from blindspots.config import methods
from docs import api
from tests.test_docs import PAGES


def functions(module):
    """The public functions and classes of a module, with their methods."""
    path = methods.source(module)
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            yield from (
                inner
                for inner in node.body
                if isinstance(node, ast.ClassDef)
                and isinstance(inner, ast.FunctionDef)
                and not inner.name.startswith("_")
            )


@pytest.mark.parametrize("module", api.modules())
def test_every_public_function_says_what_it_takes_and_returns(module):
    for node in functions(module):
        text = ast.get_docstring(node)
        assert text, node.name
        if isinstance(node, ast.ClassDef):
            continue
        taken = node.args
        if {a.arg for a in [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]} - {"self", "cls"}:
            assert "\nArgs:\n" in text, node.name
        returned = "None" if node.returns is None else ast.unparse(node.returns)
        is_property = any(ast.unparse(d) == "property" for d in node.decorator_list)
        if returned != "None" and not is_property:
            assert "\nReturns:\n" in text or "\nYields:\n" in text, node.name


def test_every_module_that_a_document_names_has_a_page(tmp_path, monkeypatch):
    text = "\n".join(document.read_text("utf-8") for document in PAGES)
    names = set(re.findall(r"`(blindspots(?:\.\w+)+)`", text))
    for module, members in re.findall(r"from (blindspots[\w.]*) import ([\w, ]+)", text):
        names |= {f"{module}.{name}" for name in members.split(", ")}
    named = {name if methods.source(name) else name.rpartition(".")[0] for name in names}
    given = []
    monkeypatch.setattr("pdoc.pdoc", lambda *modules, output_directory: given.extend(modules))
    api.write(tmp_path)
    assert "blindspots.limits" in named and named <= {*given}


def test_a_page_has_its_functions_and_formulas_and_loads_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "modules", lambda: ["blindspots.attacks.lbfgs"])
    api.write(tmp_path)
    page = (tmp_path / "blindspots/attacks/lbfgs.html").read_text("utf-8")
    assert 'id="lbfgs"' in page
    assert "minimise c ‖r‖₂² + loss_f(x + r, l)" in page
    assert "<script src=" not in page
