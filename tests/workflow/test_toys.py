"""A toy of every role, each one file outside the package, in one run; the package needs no edit."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from blindspots.config import methods, settings, traits
from blindspots.config.check import check, instances
from blindspots.families import KINDS
from tests.configs import ROOT, SCHEMA
from tests.workflow.conftest import Workflow

TOYS = sorted(Path(__file__).with_name("toys").glob("*.py"))
N, EPS = 12, [0.05, 0.1]
CONFIG = yaml.safe_load("""
run: toys
seeds: [0]
datasets:
  stripes: {method: toys.striped_rows:striped_rows}
  shifted: {method: toys.next_class:next_class, parents: {net: plain}}
splits: {validation: 8, p1: 0.5, p2: 0.5}
nets:
  plain: &linear
    model: {method: mlp, hidden: []}
    trainer: {method: toys.nearest_mean:nearest_mean}
    train_on: train
    data: stripes
  teacher: {<<: *linear, data: shifted}
  student: {<<: *linear, parents: {teacher: teacher}}
  guarded: {<<: *linear, model: {method: toys.guarded_linear:guarded_linear}}
attacks:
  roll: {method: toys.rolled_rows:rolled_rows, target: any}
  brighten: {method: toys.brightened:brightened, target: any}
  grey: {method: toys.greyed:greyed}
certificates:
  eighth: {method: toys.within_an_eighth:within_an_eighth}
measurements:
  stripes: {method: toys.stripe_contrast:stripe_contrast, data: stripes, n: 24, unit: 255}
experiments:
  all:
    data: stripes
    attacks: [roll, brighten]
    part: test
    sources: [plain, guarded]
    victims: [plain, guarded, student]
    controls: [grey]
tables:
  contrasts: {method: toys.contrast_by_net:contrast_by_net, experiment: all}
  errors: {method: errors, experiment: all, parts: [test]}
  ledger: {method: ledger, experiment: all}
figures:
  tally: {method: toys.tally_drawn:tally_drawn, measurement: stripes, panel: A toy drew this}
machine: {device: cpu, threads: 1, chunk: 8}
""")
CONFIG["experiments"]["all"]["n"] = N
CONFIG["attacks"]["brighten"]["eps"] = EPS
STEP = 153 / 255
"""Brightness added to a stripe."""


def sources():
    """Return the content of every file of the workflow, by path."""
    files = [ROOT / "Snakefile"]
    for folder in ("blindspots", "rules", "scripts", "schemas"):
        files += [path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return {path.relative_to(ROOT): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workflow = Workflow(tmp_path_factory.mktemp("toys") / "run")
    shutil.copytree(TOYS[0].parent, workflow.folder / "toys")
    workflow.config, workflow.before = CONFIG, sources()
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


@pytest.fixture(scope="module")
def read(run):
    return lambda path: pd.read_parquet(run.results / f"{path}.parquet")


def test_every_role_has_a_toy_in_a_file_of_its_own(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    used = {
        one["method"]: role
        for _, role, one in instances(check(CONFIG, SCHEMA))
        if one["method"].startswith("toys.")
    }
    assert sorted(used) == [f"toys.{toy.stem}:{toy.stem}" for toy in TOYS]
    assert {*used.values()} == {*methods.ARGUMENTS, *settings.PROVIDED}
    kinds = [traits.family(name).kind for name, role in used.items() if role == "attacks"]
    assert sorted(kinds) == sorted(KINDS)


def test_no_file_of_the_workflow_was_edited_for_them_or_names_one(run):
    after = sources()
    assert after == run.before
    named = re.compile(rb"\b(toys|" + "|".join(toy.stem for toy in TOYS).encode() + rb")\b")
    assert [path for path, held in after.items() if named.search(held)] == []


def test_the_dataset_is_stored_as_it_was_made(run):
    file = run.folder / "resources/stripes/test.parquet"
    rows = pd.read_parquet(file)
    assert rows["label"].tolist() == [0, 1, 2, 3] * 6
    image = np.stack(rows["image"]).reshape(-1, 8, 8)
    assert np.allclose(image[1, 2:4] - image[1, :2], STEP)


def test_the_dataset_made_from_a_net_keeps_file_index_and_part_of_its_parent(run, read):
    kept = ["seed", "file", "index", "subset"]
    assert read("splits/shifted.s0")[kept].equals(read("splits/stripes.s0")[kept])
    for file in ("train", "test"):
        rows = pd.read_parquet(run.folder / f"resources/stripes/{file}.parquet")
        made = read(f"datasets/shifted.s0/{file}")
        assert np.array_equal(np.stack(made["image"]), np.stack(rows["image"]))
        assert (made["label"] == (rows["label"] + 1) % 4).all()  # the net is always right


def test_a_net_is_trained_by_what_its_parent_answers(read):
    plain, student = (read(f"nets/{net}.s0/clean") for net in ("plain", "student"))
    assert len(plain) == 64 + 24 and (plain["outcome"] == "RIGHT").all()
    assert (student["outcome"] == "WRONG").all()
    assert (student["prediction"] == (student["label"] + 1) % 4).all()
    assert read("nets/student.s0/history")["status"].tolist() == ["CONVERGED"]


@pytest.mark.parametrize("net", ["plain", "guarded"])
def test_the_minimal_attack_has_a_row_per_image_with_lengths_in_every_norm(read, net):
    rows = read(f"attacks/roll/{net}.s0/stripes/test")
    assert len(rows) == N and rows["success"].all() and rows["eps"].isna().all()
    assert (rows["attacked_outcome"] == "WRONG").all() and rows["rounded_success"].all()
    expected = {"l0": 32, "l1": 32 * STEP, "l2": 32**0.5 * STEP, "linf": STEP}
    for norm, length in expected.items():
        assert rows[norm].to_numpy() == pytest.approx(length, rel=1e-6)


@pytest.mark.parametrize(("net", "outcome"), [("plain", "RIGHT"), ("guarded", "REJECTED")])
def test_the_budget_attack_has_a_row_per_image_and_radius(read, net, outcome):
    rows = read(f"attacks/brighten/{net}.s0/stripes/test")
    assert rows["eps"].tolist() == EPS * N and len(rows[["file", "index"]].drop_duplicates()) == N
    assert rows["linf"].to_numpy() == pytest.approx(rows["eps"].to_numpy(), rel=1e-5)
    assert set(rows["norm"]) == {"linf"} and not rows["success"].any()
    assert set(rows["attacked_outcome"]) == {outcome}


def test_what_a_model_rejects_is_no_error_and_no_row_of_the_ledger(read):
    shown = read("measurements/transfer/all/transfer")
    greyed = shown[shown["attack"] == "grey"].groupby("victim")["outcome"].unique()
    assert {victim: [*found] for victim, found in greyed.items()} == {
        "plain": ["RIGHT"], "guarded": ["REJECTED"], "student": ["WRONG"],
    }  # fmt: skip
    bright = shown[(shown["source"] == "plain") & (shown["eps"] == EPS[0])]
    assert set(bright.loc[bright["victim"] == "guarded", "outcome"]) == {"REJECTED"}
    ledger = read("ledger")
    of_any = ledger[(ledger["net"] == "guarded") & (ledger["goal"] == "any")]
    assert len(of_any) == N * 4 and set(of_any["attack"]) == {"roll"}


def test_the_certificate_in_linf_is_in_the_ledger_beside_the_witness(read):
    assert set(read("certificates/eighth/plain.s0")["norm"]) == {"linf"}
    ledger = read("ledger")
    rows = ledger[(ledger["norm"] == "linf") & (ledger["goal"] == "any")].groupby("net")
    assert {net: len(of) for net, of in rows} == {"plain": N, "guarded": N, "student": N}
    for net, lower, upper in (("plain", 1 / 8, STEP), ("guarded", 1 / 8, STEP), ("student", 0, 0)):
        found = rows.get_group(net)
        assert (found["lower"] <= lower).all()
        assert found["lower"].to_numpy() == pytest.approx(lower, rel=1e-9)
        assert found["upper"].to_numpy() == pytest.approx(upper, rel=1e-6)
        assert set(found["certificate"]) == {"eighth"}


def test_both_tables_of_the_measurement_are_there_for_every_net(read):
    tallies = {"plain": [6] * 4, "guarded": [6] * 4, "student": [6] * 4}
    for net, counts in tallies.items():
        contrast = read(f"measurements/stripes/{net}.s0/contrast")
        assert len(contrast) == 24 and set(contrast["net"]) == {net}
        assert contrast["contrast"].to_numpy() == pytest.approx(153, rel=1e-5)
        assert read(f"measurements/stripes/{net}.s0/tally")["images"].tolist() == counts


def test_the_analysis_and_the_figure_show_what_was_measured(run, read):
    cells = read("tables/contrasts").set_index("row")
    assert set(cells.index) == {"plain", "guarded", "student"} and (cells["n"] == 24).all()
    assert cells["value"].to_numpy() == pytest.approx(153, rel=1e-5)
    drawn = (run.results / "figures/tally.svg").read_text("utf-8")
    assert drawn.startswith("<?xml") and "<svg" in drawn
    assert "How often each answer was given by which net. Panel: A toy drew this" in drawn
    report = (run.results / "report.html").read_text("utf-8")
    assert all(word in report for word in ("contrasts", "A toy drew this"))
