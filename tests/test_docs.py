"""The documents keep their word."""

import re

from blindspots import checkpoints
from docs import renew
from tests.conftest import ROOT


def test_the_library_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    (path,) = re.findall(r'models\.load\("(.*?)"\)', example)
    model, spec = checkpoints.create("mlp", {"hidden": [5]}, (1, 8, 8), 10)
    checkpoints.save(tmp_path / path, model, spec)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert "True" in capsys.readouterr().out


def test_every_file_that_a_document_names_is_there():
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_make_command_of_the_readme_is_one():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    named = re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text("utf-8"))
    assert set(named) <= set(targets)


def test_where_a_departure_is_said_to_be_there_is_a_file():
    text = (ROOT / "docs/departures.md").read_text("utf-8")
    for path in re.findall(r"`([a-z_]+/[a-z_0-9/]+\.[a-z]+|[a-z]+\.py)`", text):
        assert (ROOT / path).exists() or (ROOT / "blindspots" / path).exists(), path


def test_no_table_of_the_lock_names_a_host():
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


def test_the_readmes_graph_of_the_rules_is_the_workflows():
    (shown,) = renew.MARKED.findall((ROOT / "README.md").read_text("utf-8"))
    assert shown == renew.rulegraph()  # else: make docs


def test_screenshots_are_small():
    found = {path.name: path.stat().st_size for path in (ROOT / "docs/screenshots").iterdir()}
    assert found.keys() == {"report.png", "examples.png", "phone-dark.png"}
    assert max(found.values()) < 150_000
