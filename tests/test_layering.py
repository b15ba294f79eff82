"""Lower layers import nothing from higher ones: rules, scripts, the library's packages."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "blindspots"
ROLES = [
    "datasets",
    "models",
    "trainers",
    "attacks",
    "certificates",
    "measurements",
    "analyses",
    "figures",
]
FLOORS = [
    {"interface"},
    {"randomness", "devices", "provenance", "statistics", "own_code", "lending", "layers",
     "families", "limits"},
    {"threat", "config", "optim", "predictive"},
    {"files", "bounds"},
    {"datasets", "models", "attacks", "certificates", "analyses"},
    {"trainers", "measurements", "report"},
    {"figures", "runs"},
    {"jobs"},
    {"commands"},
    {"__main__"},
]  # fmt: skip
"""Modules and packages by layer, lowest first: each imports only from layers below its own."""
BESIDE = {"audit", "__init__"}
"""Packages outside the layers, which import nothing from them."""
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """Return the modules that a file imports, and names in them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reached(path, *packages):
    return {m for m in imports(path) if any(m == p or m.startswith(p + ".") for p in packages)}


def room(path):
    """Return the package of a file, or the file itself if it is in none."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor(name):
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def test_every_room_has_a_floor():
    assert {room(path) for path in MODULES} == set().union(BESIDE, *FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_what_is_below_it(path):
    rooms = {m.split(".")[1] for m in reached(path, "blindspots") if "." in m} - {room(path)}
    if room(path) in BESIDE:
        assert not rooms
    above = {r for r in rooms - BESIDE if floor(r) >= floor(room(path))}
    assert not above, f"{path.relative_to(PACKAGE)} imports {above}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_library_knows_neither_snakemake_nor_scripts(path):
    assert not reached(path, "snakemake", "scripts")
    assert "results/{" not in path.read_text("utf-8")


def users():
    """Return all files that import from the package, except its tests."""
    return [
        *MODULES,
        *(ROOT / "scripts").glob("*.py"),
        *(ROOT / "docs").rglob("*.py"),
        *(ROOT / "examples").rglob("*.py"),
        *(ROOT / "benchmarks").glob("*.py"),
    ]


@pytest.mark.parametrize("path", users(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_private_name_is_imported_across_packages(path):
    package = ".".join(path.relative_to(ROOT).parts[:-1])
    for name in reached(path, "blindspots"):
        parts = name.split(".")
        private = [n for n, part in enumerate(parts) if part.startswith("_") and part != "__init__"]
        owner = parts[: private[0]] if private else []
        if (ROOT / Path(*owner)).with_suffix(".py").is_file():  # a name in a module
            owner.pop()
        assert package.startswith(".".join(owner)), name


def test_no_analysis_or_figure_of_tables_imports_torch():
    light = [*(PACKAGE / "figures").glob("*.py"), *(PACKAGE / "report").glob("*.py")]
    light += [PACKAGE / "files/tables.py", PACKAGE / "measurements/controls.py"]
    light += [p for p in (PACKAGE / "analyses").glob("*.py") if p.stem != "lipschitz"]
    for path in light:
        assert not reached(path, "torch"), path


def test_a_packages_init_only_re_exports():
    for path in PACKAGE.glob("*/__init__.py"):
        for node in ast.parse(path.read_text("utf-8")).body[1:]:
            assert isinstance(node, ast.ImportFrom | ast.Assign), f"{path}: {ast.dump(node)}"


def test_each_script_has_a_rule_of_its_name():
    rules = "\n".join(path.read_text("utf-8") for path in (ROOT / "rules").rglob("*.smk"))
    for path in (ROOT / "scripts").glob("*.py"):
        named = re.findall(rf'^rule {path.stem}:|name:\s+f"{path.stem}_\{{ENTRY\}}"', rules, re.M)
        assert len(named) == 1, path.name
        assert rules.count(f'"../scripts/{path.name}"') == 1
    assert {*re.findall(r"\.\./scripts/(\w+\.py)", rules)} == {
        path.name for path in (ROOT / "scripts").glob("*.py")
    }
