"""The documents' statements hold. Their examples: test_doc_examples.py."""

import re
from pathlib import Path

from blindspots.config import methods
from blindspots.config.declarations import STORED, measurement
from blindspots.runs import housekeeping
from docs import renew
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_file_that_a_document_names_is_there():
    for document in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_no_two_documents_differ_by_case_alone():
    names = [str(path).casefold() for path in (ROOT / "docs").rglob("*")]
    assert len(set(names)) == len(names)  # they would be one file on many machines


def test_every_result_that_a_document_names_is_one_of_the_quickstart():
    made = housekeeping.outputs(ROOT / "Snakefile", [renew.PRESET]).files
    for document in PAGES:
        for path in re.findall(r"results/digits/[\w./-]+\w", document.read_text("utf-8")):
            assert Path(path) in made, f"{document.name}: {path}"


def test_every_make_target_is_listed_and_told_of():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.* ## ", makefile, re.M))
    assert targets == set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split())
    told = re.findall(r"^\| `make ([a-z-]+)`", (ROOT / "docs/running.md").read_text("utf-8"), re.M)
    assert set(told) == targets - {"help"}


def test_where_a_departure_is_said_to_be_there_is_a_file():
    text = (ROOT / "docs/departures.md").read_text("utf-8")
    for path in re.findall(r"`([a-z_]+/(?:[a-z_0-9/]+\.[a-z]+)?|[a-z]+\.py)`", text):
        assert (ROOT / path).exists() or (ROOT / "blindspots" / path).exists(), path


def test_every_source_that_a_document_names_is_there():
    for document in PAGES:
        text = document.read_text("utf-8")
        for path in re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|smk|yaml))`", text):
            exists = (ROOT / path).exists() or (ROOT / "blindspots" / path).exists()
            assert exists, f"{document.name}: {path}"


def test_every_table_that_a_method_can_read_is_told_of():
    text = (ROOT / "docs/extending.md").read_text("utf-8")
    made = [measurement(name) for name in methods.names("measurements")]
    for table in (*STORED, *(table for one in made for table in one.given)):
        assert f"`{table}`" in text, table


def test_no_table_of_the_lock_names_a_host():
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


def test_what_documents_show_of_the_project_is_so():
    for name, made in renew.PLACES.items():
        (shown,) = renew.MARKED.findall((ROOT / name).read_text("utf-8"))
        assert shown == made(), name  # else: make docs


def test_the_quickstart_takes_as_long_as_the_documents_say():
    (seconds,) = re.findall(
        r"\*\*in all\*\*.*\*\*([\d.]+)\*\*", (ROOT / "docs/TIMES.md").read_text("utf-8")
    )
    assert float(seconds) < 30
    for name in ("README.md", "Makefile"):
        assert "under half a minute" in (ROOT / name).read_text("utf-8")


def test_screenshots_are_small():
    found = {path.name: path.stat().st_size for path in (ROOT / "docs/screenshots").iterdir()}
    assert found.keys() == {"report.png", "examples.png", "phone-dark.png"}
    assert max(found.values()) < 150_000
