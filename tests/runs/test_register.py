"""The register of claims, from result tables alone, and the command that writes it."""

import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from blindspots.analyses import kit
from blindspots.config.claims import claims_in
from blindspots.files import tables
from blindspots.runs import register
from tests.conftest import ROOT

CLAIM = {
    "claim": "It | holds", "where": "Table 1", "source": "read", "run": "start", "printed": 0.5,
    "cells": {"table": "errors", "rows": "linear", "columns": "test"}, "at_most": 20,
    "weakly": 30, "fixed": "before a pilot", "date": "2026-11-21",
}  # fmt: skip
LATER = {
    "claim": "later", "where": "section 2", "source": "quoted", "run": "start", "at_least": 1,
    "cells": {"table": "ledger"}, "fixed": "after the run", "date": "2026-11-22", "note": "a note",
}  # fmt: skip
VAGUE = {"claim": "vague", "where": "section 3", "source": "read", "reason": "nobody can say"}


@pytest.fixture
def paper(tmp_path):
    """A paper with a run that has one table, and the folder of both."""
    cell = {"row": "linear", "row_label": "Linear", "column": "test", "column_label": "test error",
            "value": 12.5, "low": 10.0, "high": 15.0, "unit": "%", "n": 9,
            "networks": 1}  # fmt: skip
    made = pd.DataFrame([cell]).reindex(columns=kit.SCHEMA.names)
    folder = tmp_path / "results/start/tables"
    folder.mkdir(parents=True)
    tables.write(folder / "errors.parquet", tables.from_frame(made, kit.SCHEMA), {"title": "t"})
    write(tmp_path, CLAIM, LATER, VAGUE)
    return tmp_path


def write(folder, *claims, **others):
    paper = {
        "paper": "Somebody 1999", "runs": {"start": ["presets/start.yaml"]}, "claims": [*claims],
    }  # fmt: skip
    text = yaml.safe_dump(paper | others, sort_keys=False)
    (folder / "claims.yaml").write_text(text, "utf-8")


def page(folder):
    """Return the register of the paper."""
    papers = [claims_in(folder / "claims.yaml")]
    results = folder / "results"
    return register.page(papers, register.judged(papers, results), "blindspots claims", results)


def alone(folder, *arguments):
    """Return the status and output of the command in a process that ends without PyTorch."""
    code = "import sys, blindspots.__main__ as m; m.main(); assert 'torch' not in sys.modules"
    ended = subprocess.run(
        [sys.executable, "-c", code, "claims", *arguments], cwd=folder, text=True,
        capture_output=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip
    return ended.returncode, ended.stdout, ended.stderr


def test_the_register_has_a_line_for_each_claim(paper):
    lines = page(paper).splitlines()
    assert (
        "| It \\| holds | Table 1 | 0.5 | 12.50 % [10.00, 15.00] | holds | at most 20, weakly 30; "
        "errors: linear / test; run start | before a pilot, 2026-11-21 |"
    ) in lines
    assert (
        "| later | section 2 | (quoted) |  | not run | at least 1; needs ledger of start; a note | "
        "after the run, 2026-11-22 |"
    ) in lines
    assert "| vague | section 3 |  |  | not judged | nobody can say |  |" in lines
    assert "3 claims: holds 1, not judged 1, not run 1." in lines
    assert "Deviations from what was fixed: none." in lines


@pytest.mark.parametrize(
    ("commits", "told"),
    [
        (["0123456789abcdef"], "0123456789ab"),
        (["0123456789abcdef-dirty"], "0123456789ab with changes"),
        (["0123456789abcdef", "fedcba9876543210"], "0123456789ab and fedcba987654"),
        ([None], "unknown"),
    ],
)
def test_the_register_names_the_configs_and_the_commits_of_the_tables_that_judged(
    paper, commits, told
):
    folder = paper / "results/start/tables"
    made = tables.read(folder / "errors.parquet")
    for name, commit in zip(("errors", "ledger"), commits, strict=False):
        tables.write(folder / f"{name}.parquet", made, {"commit": commit} if commit else {})
    lines = page(paper).splitlines()
    heading = lines.index("## Somebody 1999")
    assert lines[heading + 2] == (
        f"Judged by the runs: start (presets/start.yaml) at commit {told}."
    )


def test_deviations_follow_the_claims_of_their_paper(paper):
    said = {"date": "2026-11-23", "what": "At most 20, was 10.", "why": "a slip", "verdict": "no"}
    write(paper, CLAIM, deviations=[said])
    assert page(paper).endswith(
        "* 2026-11-23: At most 20, was 10. Reason: a slip Verdict before: no.\n"
    )


def test_the_command_writes_a_page_from_tables_alone_and_prints_it_without_one(paper, blindspots):
    status, told, error = alone(paper, "claims.yaml", "page.md")
    assert (status, told, error) == (0, "wrote page.md\n", "")
    written = (paper / "page.md").read_text("utf-8")
    assert "`blindspots claims claims.yaml page.md`" in written
    _, printed, _ = blindspots("claims", "claims.yaml")
    assert printed.splitlines()[3:] == written.splitlines()[3:]


def test_without_results_nothing_was_run(paper, blindspots):
    (paper / "empty").mkdir()
    status, told, _ = blindspots("claims", "claims.yaml", "--results", "empty")
    assert status == 0
    assert "3 claims: not judged 1, not run 2." in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": CLAIM["cells"] | {"rows": "linaer"}},
         "claims.0.cells.rows: expected a row of the table errors of the run start (linear, "
         "sigmoid), found 'linaer'; did you mean 'linear'?"),
        ({"cells": CLAIM["cells"] | {"columns": "tset"}},
         "claims.0.cells.columns: expected a column of the table errors of the run start (train, "
         "test, train rejected, test rejected, train unanswered, test unanswered, success, "
         "distortion, pooled distortion, mean distortion, warning), found 'tset'; did you mean "
         "'test'?"),
        ({"cells": {"table": "error"}},
         "claims.0.cells.table: expected a table of the run start (errors, transfer, "
         "training, lipschitz, ledger), found 'error'; did you mean 'errors'?"),
        ({"run": "strat"},
         "claims.0.cells.run: expected one of the runs of this file (start), found 'strat'; did "
         "you mean 'start'?"),
        ({"printed": "half"}, "claims.0.printed: expected a number or null (the figure that the "),
    ],
)  # fmt: skip
def test_a_claim_that_names_what_is_not_there_ends_it_in_a_line(paper, change, message, blindspots):
    write(paper, CLAIM | change)
    status, _, error = blindspots("claims", "claims.yaml")
    assert status == 1
    assert error.startswith("claims.yaml")
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_claim_that_its_table_cannot_judge_has_the_reason_and_ends_the_command(paper, blindspots):
    write(paper, CLAIM | {"cells": CLAIM["cells"] | {"rows": "sigmoid"}}, LATER)
    status, told, error = blindspots("claims", "claims.yaml", "page.md")
    why = "expected a row of the table errors of the run start (linear), found 'sigmoid'"
    assert (status, told) == (1, "wrote page.md\n")
    line = (paper / "claims.yaml").read_text("utf-8").splitlines().index("    rows: sigmoid") + 1
    assert error == f"claims.yaml, line {line}: claims.0.cells.rows: {why}"
    written = (paper / "page.md").read_text("utf-8")
    assert f"| not judged | {why}; at most 20, weakly 30 |" in written
    assert "2 claims: not judged 1, not run 1." in written


def test_a_claim_about_a_net_with_another_error_than_expected_is_not_judged(paper):
    path = paper / "results/start/tables/errors.parquet"
    doubts = {"doubts": {"Linear": "clean error 12.5%, expected 1.8%"}}
    tables.write(path, tables.read(path), doubts)
    lines = page(paper).splitlines()
    (line,) = (line for line in lines if line.startswith("| It"))
    assert "12.50 % [10.00, 15.00] | not judged | about Linear (clean error 12.5%, exp" in line


def test_configs_of_another_run_are_said(paper, blindspots):
    write(paper, CLAIM | {"run": "mine"}, runs={"mine": ["presets/start.yaml"]})
    _, _, error = blindspots("claims", "claims.yaml")
    assert error.startswith("claims.yaml, line ")
    assert "runs.mine: expected configs of the run mine, found start; rename it" in error


def test_a_config_of_a_run_that_is_not_there_is_said_with_the_claims_that_name_it(
    paper, blindspots
):
    write(paper, CLAIM, runs={"start": ["presets/strat.yaml"]})
    _, _, error = blindspots("claims", "claims.yaml")
    assert re.fullmatch(
        r"claims\.yaml, line \d+: runs\.start: presets/strat\.yaml: expected a YAML config, found "
        r"no such file",
        error,
    )


def test_a_paper_that_is_not_there_is_said_with_those_that_are(tmp_path, blindspots):
    for arguments in ([], ["--configs"], ["--configs", "units"]):
        _, _, error = blindspots("claims", "papers/szegedy/claims.yaml", *arguments)
        assert error == (
            "papers/szegedy/claims.yaml: expected a paper of papers (), found 'szegedy'"
        )
    (tmp_path / "papers/szegedy2013").mkdir(parents=True)
    (tmp_path / "papers/szegedy2013/claims.yaml").touch()
    _, _, error = blindspots("claims", "papers/szegedy/claims.yaml")
    assert "papers (szegedy2013), found 'szegedy'; did you mean 'szegedy2013'?" in error


def test_the_configs_of_a_run_are_printed_for_make(paper, blindspots):
    start = str(ROOT / "presets/start.yaml")
    assert blindspots("claims", "claims.yaml", "--configs") == (0, start + "\n", "")
    assert blindspots("claims", "claims.yaml", "--configs", "start")[1] == start + "\n"
    _, _, error = blindspots("claims", "claims.yaml", "--configs", "strat")
    assert "--configs: expected a run of claims.yaml (start), found 'strat'" in error


def test_results_that_are_not_there_and_two_pages_are_said(paper, blindspots):
    assert (
        "none: expected a folder of results, found none"
        in (blindspots("claims", "claims.yaml", "--results", "none")[2])
    )
    assert "expected one page to write, found a.md, b.md" in blindspots("claims", "a.md", "b.md")[2]
