"""Nets on overlapping slices of the training images, from the split to the table of pairs."""

from itertools import combinations

import numpy as np
import pytest
import yaml

from blindspots.files import tables
from blindspots.files.splits import column_of
from tests.workflow.conftest import Workflow

CONFIG = yaml.safe_load("""
run: overlap
data: digits
splits: {parts: {A: [0, 0.5], B-50: [0.25, 0.75], B-0: [0.5, 1]}}
defaults:
  model: mlp
  trainer: {method: lbfgs, decay: 1e-2, max_iterations: 30}
  train_on: [A, B-50, B-0]
nets: {linear: {}}
attacks: {closest: {target: any}}
certificates: {}
experiments:
  pairs: {part: B-50, n: 20, distortions: [0.1, 0.2], noise_draws: 2}
tables:
  overlap: {method: by_pair, experiment: pairs}
  errors: {method: errors, experiment: pairs, parts: [A, test]}
figures:
  overlap: {method: by_pair, experiment: pairs}
machine: {device: cpu}
""")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workflow = Workflow(tmp_path_factory.mktemp("overlap") / "run")
    workflow.config = CONFIG
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


def read(run, path):
    return tables.read(run.results / f"{path}.parquet").to_pandas()


def test_the_nets_pairs_are_grouped_by_the_images_that_they_share(run):
    split = read(run, "splits/digits.s0")
    sizes = {name: split[column_of(name)].sum() for name in ("A", "B-50", "B-0")}
    for one, other in combinations(sizes, 2):
        common = (split[column_of(one)] & split[column_of(other)]).sum()
        half = 0.5 if "B-50" in (one, other) else 0
        assert common == pytest.approx(half * sizes[one], abs=1)
    rows = read(run, "tables/overlap").set_index(["row", "column"])
    assert {*rows.index.get_level_values("row")} == {"50%", "0%", "50% less 0%"}
    assert rows.loc["50%", "row_label"].unique() == ["50% of the images (4 pairs)"]
    curves = read(run, "measurements/sweep/pairs/curves")
    for length in (0.1, 0.2):
        at = curves[curves["distortion"] == length]
        rate = at.assign(rate=100 * at["wrong"] / at["n"]).set_index(["source", "victim"])["rate"]
        noise = at[at["direction"] == "noise"].set_index("victim").eval("100 * wrong / n")
        apart = [("linear-A", "linear-B-0"), ("linear-B-0", "linear-A")]
        expected = np.mean([rate[pair] - noise[pair[1]] for pair in apart])
        assert rows.loc[("0%", f"noise at {length:g}"), "value"] == pytest.approx(expected)


def test_a_slices_images_are_attacked_and_its_error_is_that_of_its_images(run):
    split = read(run, "splits/digits.s0")
    part = split[split["in B-50"]]["index"].tolist()[:20]
    attacked = read(run, "attacks/closest/linear-A.s0/digits/B-50")
    assert attacked["index"].tolist() == part and (attacked["file"] == "train").all()
    own = split.loc[split["in A"], "index"]
    answers = read(run, "nets/linear-A.s0/clean")
    answers = answers[(answers["file"] == "train") & answers["index"].isin(own)]
    errors = read(run, "tables/errors").set_index(["row", "column"])["value"]
    wrong = 100 * (answers["outcome"] == "WRONG").mean()
    assert errors["linear-A", "A"] == pytest.approx(wrong)


def test_the_report_gives_the_sizes_of_the_slices(run):
    made = (run.results / "report.html").read_text("utf-8")
    split = read(run, "splits/digits.s0")
    sizes = ", ".join(f"{name} {split[column_of(name)].sum()}" for name in ("A", "B-0", "B-50"))
    assert f"Slices of train: {sizes}." in made
