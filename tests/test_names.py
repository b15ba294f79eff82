"""No module outside a role names one of its methods: methods declare what others must know."""

import ast
import re

import pytest

from blindspots.config import methods
from tests.test_layering import MODULES, PACKAGE, ROLES, ROOT

ALSO_WORDS = {
    # sections of a config, tables of evidence, their columns and settings
    "curves", "distortions", "errors", "gradients", "layers", "ledger", "lipschitz", "looseness",
    "operators", "pockets", "radius", "search", "training", "transfer", "units",
}  # fmt: skip
"""Names of methods that are also words of the library: only comparisons with them count."""

ALLOWED = {
    ("blindspots/attacks/__init__.py", "lbfgs"): "the front door's list of the attacks",
    **{
        ("blindspots/audit/networks.py", name): "the audit has networks of its own, by name"
        for name in ("autoencoder", "encoded", "lenet", "mlp")
    },
    ("blindspots/optim/compiled.py", "lbfgs"): "the name of a thread",
    ("blindspots/trainers/_examples.py", "closest"): "a kind of examples, a setting's value",
    ("blindspots/trainers/adversarial_pools.py", "closest"): "its default kind of examples",
    ("rules/params/summaries.smk", "lipschitz"): "whose bound the audit has code of its own for",
}
"""Exceptions: places that name a method, with the reason."""

NAMES = {role: set(methods.names(role)) for role in ROLES}
SCRIPTS = [*(ROOT / "scripts").glob("*.py")]
RULES = [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]


def prose(tree):
    """Return the strings that are statements: docstrings."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def of_a_method(node):
    """Return whether an expression is a method's name, such as table["method"]."""
    return "method" in ast.unparse(node)


def compared(tree):
    """Return the texts that a method's name is compared with, or looked up in."""
    for node in ast.walk(tree):
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        if any(map(of_a_method, sides)):
            found = [part for side in sides if not of_a_method(side) for part in ast.walk(side)]
            yield from (p.value for p in found if isinstance(p, ast.Constant))


def named(tree, role):
    """Return the methods of other roles that a file's code names."""
    known = set().union(*(names for other, names in NAMES.items() if other != role))
    ignored = prose(tree)
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [node.value for node in constants if id(node) not in ignored]
    there = {text for text in texts if isinstance(text, str)} & (known - ALSO_WORDS)
    return there | ({text for text in compared(tree) if isinstance(text, str)} & known)


def strange(path, found):
    file = path.relative_to(ROOT).as_posix()
    return {name for name in found if (file, name) not in ALLOWED}


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_names_no_method_of_another_role(path):
    tree = ast.parse(path.read_text("utf-8"))
    role = path.relative_to(PACKAGE).parts[0] if path.is_relative_to(PACKAGE) else None
    assert not strange(path, named(tree, role))


@pytest.mark.parametrize("path", RULES, ids=lambda p: p.name)
def test_a_rule_names_no_method(path):
    code = re.sub(r"#.*", "", path.read_text("utf-8"))
    known = set().union(*NAMES.values())
    found = set(re.findall(r"[\"'](\w+)[\"']", code)) & (known - ALSO_WORDS)
    found |= set(re.findall(r"method[\"'\]]* *[!=]= *[\"'](\w+)", code)) & known
    assert not strange(path, found)


def test_what_is_allowed_is_still_there():
    for file, name in ALLOWED:
        assert re.search(rf"[\"']{name}[\"']", (ROOT / file).read_text("utf-8")), (file, name)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('x = "mlp"', {"mlp"}),
        ('"""mlp"""', set()),
        ('x["units"]', set()),
        ('if table["method"] == "units": pass', {"units"}),
        ('if method in ("effects", "units"): pass', {"effects", "units"}),
        ('UNPINNED = {"kmnist": "KMNIST"}', {"kmnist"}),
    ],
)
def test_the_search_finds_names(code, found):
    assert named(ast.parse(code), "jobs") == found
