import pytest

from blindspots import fingerprint as module
from blindspots import methods
from blindspots.fingerprint import fingerprint

FILES = {
    "__init__.py": "",
    "nets.py": "from fp_lab import layers\nfrom .blocks import block\ndef net(): return layers\n",
    "layers.py": "SIZE = 3\n",
    "blocks.py": "def block(): return 1\n",
    "other.py": "x = 1\n",
}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package whose files can be edited, and the fingerprint of its nets."""
    package = tmp_path / "fp_lab"
    package.mkdir()
    for name, text in FILES.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def of_nets(**edits):
        for name, text in edits.items():
            (package / f"{name}.py").write_text(text)
        module._parsed.cache_clear()
        return fingerprint(["fp_lab.nets"])

    return of_nets


def test_code_that_is_reached_counts_directly_and_through_imports(lab):
    before = lab()
    assert lab(layers="SIZE = 4\n") != before
    assert lab(layers=FILES["layers.py"]) == before
    assert lab(blocks="def block(): return 2\n") != before


def test_other_code_comments_and_docstrings_do_not(lab):
    before = lab()
    assert lab(other="x = 2\n") == before
    assert lab(layers="# why\nSIZE = 3  # three\n") == before
    assert lab(blocks='"""Blocks."""\ndef block():\n    """One."""\n    return 1\n') == before


def test_one_attack_does_not_reach_another():
    module._parsed.cache_clear()
    _, imports = module._parsed("blindspots.attacks.gaussian")
    assert "blindspots.attacks.lbfgs" not in imports
    assert fingerprint(["blindspots.attacks.gaussian"]) != fingerprint(["blindspots.attacks.lbfgs"])


def test_a_script_counts_by_what_it_imports(tmp_path):
    script = tmp_path / "s.py"
    script.write_text("from blindspots import goals\n")
    before = fingerprint([], [script])
    script.write_text("from blindspots import goals\nprint(1)\n")
    assert fingerprint([], [script]) == before
    script.write_text("from blindspots import tables\n")
    assert fingerprint([], [script]) != before


def test_no_file_of_the_package_imports_through_a_package_that_re_exports():
    """A package's __init__ is not followed, so nothing may reach code through one."""
    reexporting = {"blindspots.attacks", "blindspots.models", "blindspots.datasets"}
    for path in methods.PACKAGE.rglob("[!_]*.py"):
        name = ".".join(path.relative_to(methods.PACKAGE.parent).with_suffix("").parts)
        _, imports = module._parsed(name)
        assert not reexporting & set(imports), f"{name} imports from {reexporting & set(imports)}"
