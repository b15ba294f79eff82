"""Nothing below knows anything above: rules know paths, scripts files, the library tensors."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "blindspots"
ROLES = ["datasets", "models", "trainers", "attacks", "certificates", "analyses", "figures"]


def imports(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def reached(path, *packages):
    return {m for m in imports(path) if any(m == p or m.startswith(p + ".") for p in packages)}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_the_library_knows_neither_snakemake_nor_scripts(path):
    assert not reached(path, "snakemake", "scripts")
    assert "results/{" not in path.read_text("utf-8")


def test_the_interface_imports_nothing_local():
    assert not reached(PACKAGE / "interface.py", "blindspots")


def test_optim_knows_of_nothing_but_the_interface():
    for path in (PACKAGE / "optim").glob("*.py"):
        assert {m.split(".")[1] for m in reached(path, "blindspots")} <= {"interface", "optim"}


@pytest.mark.parametrize(
    ("role", "above"),
    [
        ("datasets", ["models", "trainers", "attacks", "certificates", "analyses", "figures"]),
        ("models", ["trainers", "attacks", "certificates", "analyses", "figures"]),
        ("trainers", ["certificates", "analyses", "figures"]),
        ("attacks", ["trainers", "certificates", "analyses", "figures"]),
        ("certificates", ["trainers", "attacks", "figures"]),
        ("analyses", ["trainers", "figures"]),
    ],
)
def test_a_role_does_not_import_those_that_build_on_it(role, above):
    for path in (PACKAGE / role).glob("*.py"):
        found = reached(path, *(f"blindspots.{other}" for other in above))
        assert not found, f"{path.name} imports {found}"


def test_no_analysis_or_figure_of_tables_imports_torch():
    light = [*(PACKAGE / "figures").glob("*.py"), *(PACKAGE / "report").glob("*.py")]
    light.append(PACKAGE / "tables.py")
    light += [p for p in (PACKAGE / "analyses").glob("*.py") if p.stem != "lipschitz"]
    for path in light:
        assert not reached(path, "torch"), path


def test_a_packages_init_only_re_exports():
    for role in [*ROLES, "optim"]:
        body = ast.parse((PACKAGE / role / "__init__.py").read_text("utf-8")).body
        for node in body[1:]:
            assert isinstance(node, ast.ImportFrom | ast.Assign), f"{role}: {ast.dump(node)}"


def test_each_script_has_a_rule_of_its_name():
    rules = "\n".join(path.read_text("utf-8") for path in (ROOT / "rules").glob("*.smk"))
    for path in (ROOT / "scripts").glob("[!_]*.py"):
        assert f"rule {path.stem}:" in rules
        assert f'"../scripts/{path.name}"' in rules
