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


def page(folder, under=None):
    """Return the register of the paper."""
    papers = [claims_in(folder / "claims.yaml")]
    results = folder / "results"
    found = register.judged(papers, results)
    return register.page(papers, found, "blindspots claims", results, under)


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
        "errors: linear / test; run start; for the networks of one seed only | before a "
        "pilot, 2026-11-21 | 2.4% |"
    ) in lines
    assert (
        "| later | section 2 | (quoted) |  | not run | at least 1; needs ledger of start; a note | "
        "after the run, 2026-11-22 |  |"
    ) in lines
    assert "| vague | section 3 |  |  | not judged | nobody can say |  |  |" in lines
    assert (
        "False confirmations, by rule: with the true figure at the margin 2.4% in the mean of 1, "
        "2.4% at most."
    ) in lines
    assert "3 claims: holds 1, not judged 1, not run 1." in lines
    assert "Deviations from what was fixed: none." in lines


def test_a_claim_that_the_paper_does_not_make_is_said_to_be_ours(paper):
    mine = {key: value for key, value in CLAIM.items() if key != "printed"} | {"source": "ours"}
    write(paper, mine, LATER)
    lines = page(paper).splitlines()
    assert "2 claims, 1 of them ours and not the paper's: holds 1, not run 1." in lines
    (line,) = (line for line in lines if line.startswith("| It"))
    assert "| ours, after Table 1 |  | 12.50 % [10.00, 15.00] | holds |" in line


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


def test_a_deviation_has_the_verdicts_by_its_old_rule_and_by_the_new_one(paper):
    old = {"run": "start", "cells": CLAIM["cells"], "at_most": 12}
    said = {"date": "2026-11-23", "what": "A slip.", "why": "it was one.", "claim": "It | holds"}
    write(paper, CLAIM, deviations=[said | {"old": old}])
    assert page(paper).splitlines()[-1] == (
        "* 2026-11-23: A slip. Reason: it was one. Old rule: at most 12; errors: linear / test → "
        "undecided (12.50 % [10.00, 15.00], run start). New rule: at most 20, weakly 30; errors: "
        "linear / test → holds (12.50 % [10.00, 15.00], run start)."
    )


def test_an_old_rule_that_its_table_cannot_judge_ends_the_command(paper, blindspots):
    cells = CLAIM["cells"] | {"rows": "sigmoid"}
    said = {"date": "2026-11-23", "what": "w", "why": "y", "claim": "It | holds"}
    write(paper, CLAIM, deviations=[said | {"old": {"run": "start", "cells": cells, "at_most": 1}}])
    status, _, error = blindspots("claims", "claims.yaml")
    assert status == 1
    assert "deviations.0.old.cells.rows: expected a row of the table errors" in error


def test_a_rule_on_a_difference_has_the_rate_with_equal_arms_too(paper):
    folder = paper / "results/start/tables"
    made = tables.read(folder / "errors.parquet").to_pandas().assign(unit="points")
    tables.write(folder / "errors.parquet", tables.from_frame(made, kit.SCHEMA), {"title": "t"})
    rule = {"at_most": None, "weakly": None, "at_least": 1}
    write(paper, {key: value for key, value in (CLAIM | rule).items() if value is not None})
    (line,) = (line for line in page(paper).splitlines() if line.startswith("| It"))
    rates = re.search(r"\| (\d\.\d)%, (\d\.\d)% with equal arms \|$", line)
    at_margin, equal = (float(rate) for rate in rates.groups())
    assert 1.5 < at_margin < 3.5 and equal < at_margin
    assert page(paper) == page(paper)


def test_the_command_writes_a_page_from_tables_alone_and_prints_it_without_one(paper, blindspots):
    status, told, error = alone(paper, "claims.yaml", "page.md")
    assert (status, told, error) == (0, "wrote page.md\n", "")
    written = (paper / "page.md").read_text("utf-8")
    assert "`blindspots claims claims.yaml page.md`" in written
    _, printed, _ = blindspots("claims", "claims.yaml")
    assert printed.splitlines()[3:] == written.splitlines()[3:]


BESIDE = {
    "runs": {"start": ["presets/start.yaml"], "printed": ["presets/start.yaml"]},
    "beside": {"start": "printed"},
}


def again(folder, table, **columns):
    """Write a table of the run `printed`: that of the run `start` with other values."""
    made = tables.read(folder / "results/start/tables/errors.parquet").to_pandas()
    (folder / "results/printed/tables").mkdir(parents=True, exist_ok=True)
    frame = tables.from_frame(made.assign(**columns), kit.SCHEMA)
    tables.write(folder / f"results/printed/tables/{table}.parquet", frame, {"commit": "fed"})


def second(folder, **settings):
    """Return the cells of the run beside in the register, by claim."""
    text = page(folder, **settings).split("Deviations")[0]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert [len(row) for row in rows] == [len(rows[0])] * len(rows)
    place = rows[0].index("printed", 3)
    assert rows[0][place - 1 : place + 2] == ["verdict", "printed", "by"]
    return {row[0].removeprefix("| "): row[place] for row in rows[2:]}


def test_a_run_beside_another_is_judged_by_the_same_rules(paper):
    write(paper, CLAIM, LATER, VAGUE, **BESIDE)
    assert second(paper) == {"It \\| holds": "not run", "later": "not run", "vague": ""}
    again(paper, "errors")
    assert second(paper)["It \\| holds"] == "12.50 % [10.00, 15.00], holds"
    assert second(paper)["later"] == ""  # it was run, and has no such table
    again(paper, "errors", value=40.0, low=38.0, high=42.0)
    again(paper, "ledger")  # which the first run has not
    found = second(paper)
    assert found["It \\| holds"] == "40.00 % [38.00, 42.00], **does not hold**"
    assert found["later"] == "12.50 % [10.00, 15.00], holds"
    text = page(paper)
    assert "| 12.50 % [10.00, 15.00] | holds | 40.00 % [38.00, 42.00], **does not hold** |" in text
    assert "3 claims: holds 1, not judged 1, not run 1." in text
    assert "printed (presets/start.yaml) at commit fed." in text
    assert (
        "In the column printed the same rules judge the run printed in place of start; verdicts "
        "that differ from the one before are in bold, 1 of 2."
    ) in text.splitlines()


def test_a_claim_on_several_seeds_has_no_note_and_a_run_beside_of_fewer_is_said(paper):
    path = paper / "results/start/tables/errors.parquet"
    made = tables.read(path).to_pandas()
    write(paper, CLAIM, **BESIDE)
    again(paper, "errors")  # of one seed
    assert "for the networks of one seed only" in page(paper)
    assert "fewer seeds" not in page(paper)
    several = made.assign(networks=5, interval="student")
    tables.write(path, tables.from_frame(several, kit.SCHEMA), {"title": "t"})
    text = page(paper)
    assert "for the networks of one seed only" not in text
    assert (
        " For 1 of these printed has networks of fewer seeds than the run before; the verdicts may "
        "then differ by the kind of interval alone.\n"
    ) in text


def test_the_two_readings_are_named_with_what_they_answer_differently(paper):
    write(paper, CLAIM, **BESIDE)
    fitted = {"name": "fitted", "answers": {"biases": "none", "clipping": "no", "target": "next"}}
    printed = {"name": "as_printed", "answers": {"clipping": "yes", "target": "next"}}
    text = page(paper, under={"start": fitted, "printed": printed})
    assert (
        " 0 of 0. Readings: start has fitted, printed has as_printed, which differ in biases "
        "(none, as the config has it); clipping (no, yes).\n"
    ) in text
    mine = {"answers": fitted["answers"]}
    assert "start has fitted, printed has answers of its own.\n" in page(
        paper, under={"start": fitted, "printed": mine}
    )


def test_a_row_that_the_run_beside_lacks_is_no_error(paper, blindspots):
    write(paper, CLAIM, **BESIDE)
    again(paper, "errors", row="sigmoid")
    assert second(paper) == {"It \\| holds": "**not judged**"}
    papers = [claims_in(paper / "claims.yaml")]
    assert [*register.faults(papers, register.judged(papers, paper / "results"))] == []


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
