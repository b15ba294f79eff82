import ast
from pathlib import Path

import pytest

from blindspots.config import fingerprint as module
from blindspots.config import methods
from blindspots.config.fingerprint import fingerprint

FILES = {
    "__init__.py": "",
    "nets.py": "import json\nfrom fp_lab import layers\nfrom .blocks import block\nx = layers\n",
    "layers.py": "from blindspots.threat import goals\nSIZE = 3\n",
    "blocks.py": "def block(): return 1\n",
    "other.py": "x = 1\n",
}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package with editable files, and the fingerprint of its nets."""
    package = tmp_path / "fp_lab"
    package.mkdir()
    for name, text in FILES.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def of_nets(**edits):
        for name, text in edits.items():
            (package / f"{name}.py").write_text(text)
        forget()
        return fingerprint(["fp_lab.nets"])

    return of_nets


def forget():
    module._read.cache_clear()
    module._imported.cache_clear()


def reached(name):
    """Return the modules of the package that a module imports."""
    found = module._imported(methods.source(name), frozenset({"blindspots"}))
    return {path.relative_to(methods.PACKAGE).as_posix() for path in found}


def test_code_that_is_reached_counts_directly_and_through_imports(lab):
    before = lab()
    assert lab(layers="SIZE = 4\n") != before
    assert lab(layers=FILES["layers.py"]) == before
    assert lab(blocks="def block(): return 2\n") != before


def test_other_code_comments_and_docstrings_do_not(lab):
    before = lab()
    assert lab(other="x = 2\n") == before
    assert lab(layers="# why\n" + FILES["layers.py"] + "# three\n") == before
    assert lab(blocks='"""Blocks."""\ndef block():\n    """One."""\n    return 1\n') == before


def test_the_package_counts_where_a_users_module_reaches_it(lab, monkeypatch):
    before = lab()
    original = module._read.__wrapped__
    monkeypatch.setattr(
        module,
        "_read",
        lambda path: ("edited", []) if path.stem == "goals" else original(path),
    )
    assert fingerprint(["fp_lab.nets"]) != before


def test_modules_beside_a_users_file_count_and_installed_ones_do_not(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("import helper\nimport numpy\nimport torch.nn\n")
    (tmp_path / "helper.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = fingerprint(["mine"])
    forget()
    (tmp_path / "helper.py").write_text("x = 2\n")
    assert fingerprint(["mine"]) != before
    files = module._imported(tmp_path / "mine.py", frozenset({"blindspots", "mine"}))
    assert [path.name for path in files] == ["helper.py"]


def test_files_of_one_name_that_swap_what_they_hold_count(tmp_path, monkeypatch):
    for package in ("one", "two"):
        (tmp_path / "fp_pair" / package).mkdir(parents=True)
        (tmp_path / "fp_pair" / package / "__init__.py").touch()
    (tmp_path / "fp_pair/__init__.py").touch()
    (tmp_path / "fp_pair/nets.py").write_text(
        "from fp_pair.one import a\nfrom fp_pair.two import a as b\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def holding(one, two):
        (tmp_path / "fp_pair/one/a.py").write_text(one)
        (tmp_path / "fp_pair/two/a.py").write_text(two)
        forget()
        return fingerprint(["fp_pair.nets"])

    assert holding("x = 1\n", "x = 2\n") != holding("x = 2\n", "x = 1\n")


def test_one_attack_does_not_reach_another():
    forget()
    assert "attacks/lbfgs.py" not in reached("blindspots.attacks.gaussian")
    assert fingerprint(["blindspots.attacks.gaussian"]) != fingerprint(["blindspots.attacks.lbfgs"])


def test_a_script_counts_by_what_it_imports_and_by_its_helpers(tmp_path):
    script, helper = tmp_path / "s.py", tmp_path / "_helper.py"

    def of(text):
        script.write_text(text)
        forget()
        return fingerprint([], [script])

    helper.write_text("x = 1\n")
    before = of("import _helper\nfrom blindspots.threat import goals\n")
    assert of("import _helper\nfrom blindspots.threat import goals\nprint(1)\n") == before
    assert of("import _helper\nfrom blindspots.files import tables\n") != before
    helper.write_text("x = 2\n")
    assert of("import _helper\nfrom blindspots.threat import goals\n") != before


def test_the_answers_to_clean_images_are_reached_by_training():
    scripts = methods.PACKAGE.parent / "scripts"
    imported = module._imported(scripts / "train.py", frozenset({"blindspots"}))
    clean = methods.PACKAGE / "jobs/clean.py"
    assert clean in imported
    assert methods.PACKAGE / "threat/answers.py" in module._imported(
        clean, frozenset({"blindspots"})
    )


def test_training_does_not_reach_what_is_done_with_the_net_later():
    scripts = methods.PACKAGE.parent / "scripts"
    reached, waiting = set(), [scripts / "train.py"]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += module._imported(path, frozenset({"blindspots"}))
    names = {path.relative_to(methods.PACKAGE.parent).as_posix() for path in reached}
    assert "blindspots/files/weights.py" in names
    later = ("blindspots/measurements/", "blindspots/attacks/", "blindspots/analyses/")
    assert not [name for name in names if name.startswith(later)]


def test_what_is_imported_from_a_package_is_a_module_of_it():
    """A package's __init__ is not followed, so no code may be imported through one."""
    for path in methods.PACKAGE.rglob("[!_]*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("blindspots"):
                where = methods.source(node.module)
                for alias in node.names:
                    nested = methods.source(f"{node.module}.{alias.name}")
                    assert nested or where.name != "__init__.py", f"{path}: {alias.name}"


def test_a_module_from_another_folder_of_the_path_counts(tmp_path, monkeypatch):
    for file, text in (
        ("nets/lab/mine.py", "import sizes\n"),
        ("nets/lab/sizes.py", "not the one that is imported\n"),
        ("others/sizes.py", "SIZE = 1\n"),
    ):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        monkeypatch.syspath_prepend(tmp_path / Path(file).parts[0])
    before = fingerprint(["lab.mine"])
    forget()
    (tmp_path / "others/sizes.py").write_text("SIZE = 2\n")
    assert fingerprint(["lab.mine"]) != before
