"""Nets with given weights and expected clean errors, through the whole workflow."""

import copy

import pandas as pd
import pytest
import torch

from blindspots.config.claims import claims_of
from blindspots.files import tables
from blindspots.report.headlines import doubts_in, headlines
from tests.workflow.conftest import STILL, Workflow

FLAG = "clean error {:.4g}%, expected 1.8%"


def three_nets(folder):
    """A run with two random linear nets, nearly always wrong, and one fine-tuned from another."""
    workflow = Workflow(folder)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(10, 64, generator=generator)
    torch.save({"1.weight": weights, "1.bias": torch.zeros(10)}, folder / "w.pth")
    config, model = workflow.config, {"method": "mlp", "hidden": []}
    config["nets"] = {
        "theirs": {"label": "Theirs", "model": model, "weights": "w.pth", "expect": {"error": 1.8}},
        "known": {"model": model, "weights": "w.pth", "expect": {"error": 90, "tolerance": 9}},
        "tuned": {
            "model": model, "parents": {"start": "theirs"}, "train_on": "P1", "checkpoints": [1],
            "trainer": {"method": "sgd", "epochs": 1, "learning_rate": STILL},
        },
    }  # fmt: skip
    nets = {"sources": ["theirs", "known", "tuned@1"], "victims": ["theirs", "known"]}
    config["experiments"]["both"] |= nets | {"n": 8}
    of = {"experiment": "both"}
    config["tables"] = {
        "errors": {"method": "errors", "parts": ["test"]} | of,
        "transfer": {"method": "transfer"} | of,
        "ledger": {"method": "ledger"} | of,
    }
    config["figures"] = {"transfer": {"method": "heatmap"} | of}
    return workflow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workflow = three_nets(tmp_path_factory.mktemp("expected") / "run")
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    workflow.said, workflow.told_of = ended.stdout, workflow.line("    expect:", "  theirs:")
    return workflow


def found(run):
    return pd.read_parquet(run.results / "nets/theirs.s0/expected.parquet").iloc[0]


def test_another_error_is_said_in_the_run_and_of_every_row_of_the_net(run):
    row = found(run)
    assert row["error"] > 50 and not row["as_expected"]
    said = "nets.theirs.expect: expected a clean error of 1.8% on the"
    *_, last = (line for line in run.said.splitlines() if said in line)
    assert f"warning: config: {said}" in run.said  # as soon as it is known
    assert last.startswith("warning: /") and f"/my.yaml, line {run.told_of}: {said}" in last
    assert last.endswith("; the run goes on")
    assert "nets.known.expect" not in run.said
    flag = FLAG.format(row["error"])
    for name in ("errors", "transfer", "ledger"):
        table = pd.read_parquet(run.results / f"tables/{name}.parquet")
        for key, label in (("row", "row_label"), ("column", "column_label")):
            flagged = table[label].str.contains(flag, regex=False)
            assert (flagged == table[key].str.contains("theirs|tuned")).all()
    table = pd.read_parquet(run.results / "tables/errors.parquet")
    made = f"tuned (step 1) (made from Theirs: {flag})"
    assert set(table["row_label"]) == {f"Theirs ({flag})", "known", made}
    ledger = pd.read_parquet(run.results / "ledger.parquet")
    assert ledger.loc[ledger["net"] == "theirs", "warning"].eq(flag).all()
    assert ledger.loc[ledger["net"] == "tuned@1", "warning"].eq(f"made from Theirs: {flag}").all()
    assert ledger.loc[ledger["net"] == "known", "warning"].isna().all()


def test_the_report_warns_of_it_first(run):
    page = (run.results / "report.html").read_text("utf-8")
    flag = FLAG.format(found(run)["error"])
    warning = f"<strong>Theirs</strong>: {flag}; check normalisation, channel order, crop and class"
    assert warning in page
    assert page.count(f"Theirs ({flag})") > 3
    assert f"<strong>tuned (step 1)</strong>: made from Theirs: {flag}" in page
    assert f"known ({flag[:11]}" not in page


def test_a_claim_about_it_or_about_all_nets_is_not_judged(run):
    paths = {name: run.results / f"tables/{name}.parquet" for name in ("errors", "transfer")}
    read = {name: tables.read(path) for name, path in paths.items()}
    frames = {name: table.to_pandas() for name, table in read.items()}
    cells = {
        "theirs": {"table": "errors", "rows": "theirs", "columns": "test"},
        "known": {"table": "errors", "rows": "known", "columns": "test"},
        "transfer": {"table": "transfer", "rows": "known", "columns": "theirs"},
        "among others": {"table": "errors", "rows": "*", "columns": "test"},
    }
    claims = [
        {"claim": name, "cells": of, "at_most": 100, "reduction": "largest"}
        for name, of in cells.items()
    ]
    config = {"run": "r", "claims": claims}
    config["tables"] = {name: {"method": name, "title": "T"} for name in read}
    lines = headlines(config, frames, claims_of(config), doubts_in(read))
    assert {line.claim: line.verdict for line in lines} == {
        "theirs": "not judged", "known": "holds", "transfer": "not judged",
        "among others": "not judged",
    }  # fmt: skip
    flag = FLAG.format(found(run)["error"])
    assert lines[0].note.startswith(f"about Theirs ({flag}); at most 100; ")


def test_another_expectation_attacks_no_net_again(run):
    again = Workflow(run.folder)
    again.config = copy.deepcopy(run.config)
    again.config["nets"]["theirs"]["expect"] = {"error": 1.8, "tolerance": 98.2, "required": True}
    assert again.jobs() == {
        "expect": 1, "table": 3, "figure": 1, "ledger": 1, "audit": 1, "report": 1, "all": 1,
    }  # fmt: skip
    again.config["nets"]["theirs"]["label"] = "Another"
    assert "attack" not in again.jobs() and "train_checkpoints" not in again.jobs()
    again.config["nets"]["theirs"]["label"] = "Theirs"
    del again.config["nets"]["theirs"]["expect"]
    assert again.jobs().keys() == {"table", "figure", "ledger", "audit", "report", "all"}


def test_a_required_one_ends_the_run_before_any_net_is_made_of_it_or_attacked(tmp_path):
    workflow = three_nets(tmp_path / "run")
    workflow.config["nets"]["theirs"]["expect"] = {"error": 1.8, "required": True}
    workflow.config["experiments"]["both"] |= {"sources": ["tuned"], "victims": ["tuned"]}
    ended = workflow.run()
    assert ended.returncode != 0
    lines = {line for line in ended.stdout.splitlines() if "nets.theirs.expect: expected" in line}
    (line,) = (line for line in lines if "my.yaml, line " in line)  # beside the job's own
    assert "found" in line and "Traceback" not in ended.stdout
    assert not (workflow.results / "attacks").exists()
    assert not (workflow.results / "nets/tuned.s0").exists()
    assert not (workflow.results / "nets/theirs.s0/expected.parquet").exists()
