"""Claims as data: what is wrong with a file of them, with a claim, with its cells."""

import copy
from datetime import date

import pytest
import yaml

from blindspots.config.beside import judged_beside
from blindspots.config.cells import names
from blindspots.config.check import check
from blindspots.config.claims import claims_in, claims_of, table_faults
from blindspots.interface import InputError
from tests.configs import SCHEMA, fault, full


@pytest.fixture
def raw():
    return full("presets/digits.yaml")


RULE = {"cells": {"table": "t", "rows": "a"}, "at_least": 1, "weakly": 0}
CLAIM = {
    "claim": "it holds", "where": "Table 1", "source": "read", "run": "one",
    "fixed": "before a pilot", "date": "2026-11-21",
} | RULE  # fmt: skip
PAPER = {"paper": "Somebody 1999", "runs": {"one": ["one.yaml"]}, "claims": [CLAIM]}


def said(folder, change, name="claims.yaml"):
    """Return the message for a changed file of claims, without its place."""
    paper = copy.deepcopy(PAPER)
    change(paper)
    path = folder / name
    path.write_text(yaml.safe_dump(paper, sort_keys=False), "utf-8")
    with pytest.raises(InputError) as error:
        claims_in(path)
    lines = str(error.value).splitlines()
    assert all(line.startswith(str(path)) for line in lines)
    return [line.removeprefix(str(path)).partition(": ")[2] for line in lines]


def of_claim(**changes):
    """Return a change of the claim; None removes a key."""

    def change(paper):
        claim = paper["claims"][0] | changes
        paper["claims"][0] = {key: value for key, value in claim.items() if value is not None}

    return change


def deviation(**changes):
    """Return a change of a paper that adds a deviation; None leaves a key out."""
    said = {"date": "2026-12-01", "what": "x", "why": "y", "claim": "it holds"}
    said |= {"old": RULE | {"run": "one"}} | changes

    def change(paper):
        paper["deviations"] = [{key: value for key, value in said.items() if value is not None}]

    return change


def beside(**runs):
    """Return a change of a paper that adds a second run, and runs beside others."""
    return lambda paper: paper.update(runs=paper["runs"] | {"two": ["two.yaml"]}, beside=runs)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (of_claim(printed="about 5"), "claims.0.printed: expected a number or null (the figure"),
        (of_claim(at_most=3), "claims.0: expected either at_least or at_most, found both"),
        (of_claim(at_least=None), "claims.0: expected either at_least or at_most, found neither"),
        (of_claim(at_least="much"), "claims.0.at_least: expected a number (the margin of a figure"),
        (of_claim(weakly=2), "claims.0.weakly: expected at most 1, a weaker margin than at_least,"),
        (of_claim(at_least=None, at_most=1), "claims.0.weakly: expected at least 1, a weaker"),
        (of_claim(cells=None), "claims.0: expected the key 'cells' for a rule, or a reason why"),
        (of_claim(reason="vague"), "claims.0: expected a rule or the reason why there is none,"),
        (of_claim(source="heard"), "claims.0.source: expected one of read, quoted, from memory"),
        (of_claim(source="ours", printed=5), "claims.0.printed: expected none for a claim of ours, "
         "found 5; remove it"),
        (of_claim(where=None), "claims.0: expected the key 'where', found none; add it"),
        (of_claim(fixed=None), "claims.0: expected the key 'fixed' for a rule, found none; add it"),
        (of_claim(fixed="today"), "claims.0.fixed: expected one of before a pilot, after a pilot,"),
        (of_claim(date="21 November"), "claims.0.date: expected a date such as"),
        (of_claim(run="two"), "claims.0.cells.run: expected one of the runs of this file (one),"),
        (of_claim(run=None), "claims.0.cells: expected the key 'run' here or in the claim; add it"),
        (of_claim(reduction="middle"), "claims.0.reduction: expected one of one, least, median,"),
        (of_claim(cells={"rows": "a"}), "claims.0.cells: expected the key 'table', found none;"),
        (of_claim(colums="a"), "claims.0.colums: expected only the keys claim, where, printed, so"),
        (lambda paper: paper["claims"].append(CLAIM), "claims.1.claim: expected each claim once,"),
        (lambda paper: paper["claims"].clear(), "claims: expected at least 1 (what the paper"),
        (of_claim(date=date(2026, 11, 21)), "claims.0.date: expected text (on which day), found "
         "2026-11-21; put it in quotes"),
        (lambda paper: paper.pop("runs"), "top level: expected the key 'runs', found none; add it"),
        (lambda paper: paper.update(deviations=[{"date": "today", "what": "x", "why": "y"}]),
         "deviations.0.date: expected a date such as"),
        (deviation(claim="it hold"), "deviations.0.claim: expected the sentence of a claim of this "
         "file, found 'it hold'; did you mean 'it holds'?"),
        (deviation(claim=None), "deviations.0: expected the key 'claim' beside an old rule, found "
         "none; add it"),
        (deviation(old=RULE | {"at_most": 2, "run": "one"}), "deviations.0.old: expected either "
         "at_least or at_most, found both"),
        (deviation(old=RULE | {"run": "two"}), "deviations.0.old.cells.run: expected one of the "
         "runs of this file (one), found 'two'"),
        (deviation(old=RULE), "deviations.0.old.cells: expected the key 'run' here or in the"),
        (deviation(old={"run": "one", "at_most": 2}), "deviations.0.old: expected the key 'cells'"),
        (of_claim(less="print"), "claims.0.less: expected"),
        (beside(one="again"), "beside.one: expected one of the runs of this file (one, two), found "
         "'again'"),
        (beside(on="two"), "beside.on: expected one of the runs of this file (one, two), found "
         "'on'; did you mean 'one'?"),
        (beside(one="one"), "beside.one: expected another run beside it, found itself; name the"),
        (beside(two="one"), "beside.two: expected a run that claims name, found none of them;"),
        (beside(), "beside: expected at least 1 (for some of the runs another one"),
        (beside(one=5), "beside.one: expected text"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_of_claims_is_said_in_a_line(tmp_path, change, told):
    (line,) = said(tmp_path, change)
    assert line.startswith(told)


def test_the_line_of_the_file_is_named(tmp_path):
    text = yaml.safe_dump(PAPER | {"claims": [CLAIM | {"at_most": 3}]}, sort_keys=False)
    (tmp_path / "claims.yaml").write_text(text, "utf-8")
    line = text.splitlines().index("- claim: it holds") + 1
    with pytest.raises(InputError, match=rf"claims\.yaml, line {line}: claims\.0: expected either"):
        claims_in(tmp_path / "claims.yaml")


def test_a_claim_that_is_read_has_every_key(tmp_path):
    joined = [{"run": ["one", "two"], "table": "u"}, {"table": "v", "columns": ["b", "c"]}]
    paper = PAPER | {
        "runs": PAPER["runs"] | {"two": ["two.yaml"]}, "claims": [CLAIM | {"cells": joined}],
    }  # fmt: skip
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(paper), "utf-8")
    (claim,) = claims_in(tmp_path / "claims.yaml")["claims"]
    first, second = claim["cells"]
    assert (first["runs"], first["rows"], second["runs"]) == (["one", "two"], None, ["one"])
    assert (second["columns"], second["key"]) == (["b", "c"], "claims.0.cells.1")
    assert (claim["reduction"], claim["less"], claim["at_most"]) == ("one", [], None)


def test_the_old_rule_of_a_deviation_is_read_like_a_claim(tmp_path):
    paper = copy.deepcopy(PAPER)
    deviation(old=RULE | {"run": "one", "less": "printed"})(paper)
    paper["deviations"].append({"date": "2026-12-01", "what": "x", "why": "y"})
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(paper), "utf-8")
    read = claims_in(tmp_path / "claims.yaml")
    first, second = read["deviations"]
    claim, old = read["claims"][0], first["old"]
    assert old.keys() == claim.keys()
    for name in ("claim", "at_least", "weakly", "at_most", "reduction", "less"):
        assert old[name] == claim[name]
    assert old["cells"] == [claim["cells"][0] | {"key": "deviations.0.old.cells"}]
    assert (old["key"], old["less_printed"]) == ("deviations.0.old", True)
    assert (second["old"], second["claim"]) == (None, None)
    (line,) = table_faults(read, {"one": {"tables": {"tt": {}}}})[1:]
    assert line.startswith("deviations.0.old.cells.table: expected a table of the run one (tt)")


def test_more_than_one_cell_to_subtract_is_said_unless_their_mean_is_taken(tmp_path):
    def faults(**rule):
        cells = {"cells": {"table": "t"}, "less": {"table": "t", "rows": ["a", "b"]}}
        paper = PAPER | {"claims": [CLAIM | cells | rule]}
        (tmp_path / "claims.yaml").write_text(yaml.safe_dump(paper), "utf-8")
        tables = {"t": {"method": "lab:t"}}
        return table_faults(claims_in(tmp_path / "claims.yaml"), {"one": {"tables": tables}})

    assert faults(reduction="mean") == []
    assert faults(reduction="largest") == [
        "claims.0.less: expected one cell to subtract for the largest, found 2; name one row and "
        "column, or take the mean"
    ]


def test_a_table_that_a_run_does_not_make_is_said(tmp_path):
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(PAPER), "utf-8")
    paper = claims_in(tmp_path / "claims.yaml")
    assert table_faults(paper, {"one": {"tables": {"t": {"method": "lab:t"}}}}) == []
    (line,) = table_faults(paper, {"one": {"tables": {"tt": {}}}})
    assert line == (
        "claims.0.cells.table: expected a table of the run one (tt), found 't'; did you mean 'tt'?"
    )


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        (5, "claims.0: expected a mapping of keys (a claim, and the rule by which"),
        (RULE, "claims.0: expected the key 'claim', found none"),
        (RULE | {"claim": "c", "run": "digits"}, "claims.0: expected no run in a claim of a"),
        (RULE | {"claim": "c"}, "claims.0.cells.table: expected a table of the run digits"),
        (RULE | {"claim": "c", "at_most": 2}, "claims.0: expected either at_least or at_most,"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_claim_of_a_config_is_said_with_its_key(raw, claim, told):
    message = fault(raw, "claims", value=[claim])
    assert message.startswith(f"my.yaml: {told}")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"columns": "tset"}, ".columns: expected a column of the table table1 of the run digits "
         "(train, validation, test, train rejected, validation rejected, test rejected, "
         "train unanswered, validation unanswered, test unanswered, success, distortion, pooled "
         "distortion, mean distortion, warning), found 'tset'; did you mean 'test'?"),
        ({"rows": "AE23-10"}, ".rows: expected a row of the table table1 of the run digits "
         "(FC10-1e-4, FC10-1e-2, FC50-50-10, AE32, AE32-10), "
         "found 'AE23-10'; did you mean 'AE32-10'?"),
        ({"columns": ["test", "s*x"]}, ".columns: expected a column of the table table1 of"),
        ({"rows": ["AE32-10", "FC10-1e-2"], "columns": "test"},
         ": expected one cell, found 2; add a reduction (least, median, largest, mean), or name"),
        ({"columns": ["train", "test"]}, ": expected one cell, found 2; add a reduction"),
    ],
)  # fmt: skip
def test_what_a_config_tells_of_the_cells_of_a_claim_is_said_before_a_run(raw, cells, told):
    claim = {"claim": "c", "cells": {"table": "table1"} | cells, "at_most": 3}
    if "s*x" in str(cells):
        claim["reduction"] = "mean"
    assert fault(raw, "claims", value=[claim]).startswith(f"my.yaml: claims.0.cells{told}")


def test_columns_that_the_config_alone_does_not_tell_are_left_to_the_run(raw):
    claim = {"claim": "c", "cells": {"table": "table1"}, "at_most": 3}
    for name in ("test", "t*", "* rejected", "pooled *"):
        raw["claims"] = [claim | {"cells": {"table": "table1", "columns": name}}]
        assert check(raw, SCHEMA)
    for name in ("AE*", "*", "closest/AE32-10", "* at eps 0.1/AE32-10"):
        cells = {"table": "table1", "rows": name, "columns": "test"}
        raw["claims"] = [claim | {"cells": cells}]
        assert check(raw, SCHEMA)
    experiments = {"e": {"victims": ["A", "B"]}}
    of = {"experiment": "e", "more_experiments": []}
    for method, known in (
        ("transfer", ["A", "B", "A rejected", "B rejected", "success", "distortion"]),
        ("robustness", ["found at *", "open at *"]),
        ("multiverse", None),
        ("my_lab:judge", None),
    ):
        assert names("columns", of | {"method": method}, {"experiments": experiments}) == known


def test_the_rows_of_a_claim_are_those_of_its_tables_experiment():
    two = {"sources": ["B@3"], "victims": ["B@3"], "attacks": ["closest"], "controls": ["noise"]}
    one = {"sources": ["A"], "victims": ["A"], "attacks": ["lbfgs"], "controls": []}
    nets = {name: {"parents": {}} for name in ("A", "B", "C")}
    nets |= {"B@3": {"parents": {"of": "C"}, "checkpoint": {"net": "B", "step": 3}}}
    config = {
        "experiments": {"one": one, "two": two}, "nets": nets,
        "attacks": dict.fromkeys(("lbfgs", "closest", "noise", "other")),
    }  # fmt: skip
    of = {"method": "transfer", "experiment": "two", "more_experiments": []}
    assert names("rows", of, config) == [
        "B", "C", "B@3", "closest", "noise",
        "B amplified to *", "C amplified to *", "B@3 amplified to *",
    ]  # fmt: skip
    whole = names(
        "rows", {"method": "looseness", "experiment": None, "more_experiments": []}, config
    )
    assert whole == ["A", "B", "C", "B@3"]


def test_a_file_of_claims_that_changes_is_read_anew(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text(yaml.safe_dump(PAPER), "utf-8")
    assert len(claims_in(path)["claims"]) == 1
    path.write_text(yaml.safe_dump(PAPER | {"claims": [CLAIM, CLAIM | {"claim": "too"}]}), "utf-8")
    assert len(claims_in(path)["claims"]) == 2


def test_a_runs_own_claims_lack_the_keys_of_a_papers_whatever_was_read_before(raw, tmp_path):
    own = {"claim": "c", "cells": {"table": "table1", "rows": "AE32-10", "columns": "test"}}
    raw["claims"] = [own | {"at_most": 3}]
    assert check(raw, SCHEMA)["claims"]
    assert said(tmp_path, of_claim(where=None)) == [
        "claims.0: expected the key 'where', found none; add it"
    ]


def test_a_claim_on_a_table_of_a_measurement_may_name_a_victim_as_column(raw):
    raw["measurements"] = {"shown": {"method": "transfer"}}
    raw["tables"]["all"] = {"method": "transfer", "measurement": "shown"}
    cells = {"table": "all", "rows": "FC10-1e-4", "columns": "FC50-50-10-P1"}
    raw["claims"] = [{"claim": "c", "cells": cells, "at_most": 3}]
    assert check(raw, SCHEMA)["claims"]
    message = fault(raw, "claims", 0, "cells", "columns", value="FC50-50-10-P3")
    assert "claims.0.cells.columns: expected a column of the table all of the run digits (" in (
        message
    )
    assert message.endswith("did you mean 'FC50-50-10-P2'?")


def test_a_column_of_a_file_of_claims_is_said_with_its_line(raw, tmp_path):
    cells = {"table": "table1", "rows": "AE32-10", "columns": "tset"}
    claim = CLAIM | {"run": "digits", "cells": cells}
    text = yaml.safe_dump(PAPER | {"runs": {"digits": ["x.yaml"]}, "claims": [claim]})
    (tmp_path / "claims.yaml").write_text(text, "utf-8")
    line = 1 + next(n for n, s in enumerate(text.splitlines()) if "columns: tset" in s)
    assert fault(raw, "claims", value=str(tmp_path / "claims.yaml")).startswith(
        f"my.yaml: claims: {tmp_path}/claims.yaml, line {line}: claims.0.cells.columns: expected"
    )


def test_a_file_of_claims_that_is_not_there_or_wrong_ends_a_config(raw, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = fault(raw, "claims", value="none.yaml")
    assert "claims: none.yaml: expected a YAML file of claims, found no such file" in message
    text = yaml.safe_dump(PAPER | {"claims": [CLAIM | {"printed": "1,2"}]})
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    message = fault(raw, "claims", value="mine.yaml")
    assert "mine.yaml, line " in message
    assert "claims.0.printed: expected a number or null" in message


def test_a_run_is_told_the_claims_that_its_tables_judge(tmp_path):
    others = [
        CLAIM | {"claim": "of another run", "run": "two"},
        CLAIM | {"claim": "of a table that it has not", "cells": {"table": "u"}},
        CLAIM | {"claim": "of two runs", "cells": [{"table": "t"}, {"table": "t", "run": "two"}]},
        CLAIM | {"claim": "of either", "run": ["two", "one"]},
        {"claim": "without a rule", "where": "x", "source": "read", "reason": "vague"},
    ]
    runs = PAPER["runs"] | {"two": ["two.yaml"]}
    paper = PAPER | {"runs": runs, "claims": [CLAIM, *others]}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(paper), "utf-8")
    config = {"run": "one", "claims": str(tmp_path / "claims.yaml"), "tables": {"t": {}}}
    assert [claim["claim"] for claim in claims_of(config)] == ["it holds", "of either"]
    assert claims_of(config | {"claims": None}) == []


def test_a_run_is_told_the_claims_of_the_run_that_it_stands_beside(tmp_path):
    others = [
        CLAIM | {"claim": "of a third run", "run": "three"},
        CLAIM | {"claim": "of either", "run": ["three", "one"]},
        CLAIM | {"claim": "of both", "cells": [{"table": "t"}, {"table": "t", "run": "three"}]},
        CLAIM | {"claim": "of itself", "run": "two"},
        CLAIM | {"claim": "of a table that it has not", "cells": {"table": "u"}},
    ]
    paper = copy.deepcopy(PAPER)
    beside(one="two")(paper)
    paper["runs"]["three"], paper["claims"] = ["three.yaml"], [CLAIM, *others]
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(paper), "utf-8")
    config = {"run": "two", "claims": str(tmp_path / "claims.yaml"), "tables": {"t": {}}}
    found = claims_of(config)
    assert [claim["claim"] for claim in found] == ["it holds", "of either", "of itself"]
    assert [claim["cells"][0]["runs"] for claim in found] == [["two"]] * 3
    assert claims_of(config | {"run": "three"})[0]["claim"] == "of a third run"


def test_only_the_selections_of_a_run_are_read_of_the_run_beside_it():
    cells = [{"runs": ["five", "one"]}, {"runs": ["three"]}, {"runs": ["one", "five"]}]
    claim = {"cells": cells, "less": [{"runs": ["one"]}]}
    found = judged_beside(claim, {"one": "two", "five": "six"})
    assert [of["runs"] for of in found["cells"]] == [["six", "two"], ["three"], ["two", "six"]]
    assert [of["runs"] for of in found["less"]] == [["two"]]
    assert judged_beside(claim, {"four": "two"}) is None


def test_a_row_that_the_run_beside_lacks_ends_no_config(raw, tmp_path):
    claim = CLAIM | {"cells": {"table": "table1", "rows": "FC9", "columns": "test"}}
    paper = PAPER | {"claims": [claim], "runs": PAPER["runs"] | {"digits": ["digits.yaml"]}}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(paper | {"beside": {"one": "digits"}}))
    raw["claims"] = str(tmp_path / "claims.yaml")
    assert [claim["claim"] for claim in claims_of(check(raw, SCHEMA))] == ["it holds"]


def test_a_file_of_other_runs_claims_is_refused(raw, tmp_path):
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(PAPER), "utf-8")
    path = str(tmp_path / "claims.yaml")
    assert fault(raw, "claims", value=path) == (
        f"my.yaml: claims: expected claims of the run digits, found {path}, whose claims are of "
        "the runs one; remove `claims`, or give this run one of these names"
    )
    raw["run"] = "one"
    assert check(raw | {"claims": path}, SCHEMA)["claims"] == path
