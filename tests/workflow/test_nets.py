"""Nets that no job trains: checkpoints of a training, and nets built from their parents."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from blindspots.files import tables, weights
from tests.conftest import ROOT
from tests.workflow.conftest import STILL, Workflow

OWN = """
import os, signal
from pathlib import Path
import torch
from torch import nn

from blindspots.trainers.loop import looped
from blindspots.trainers.recipe import Recipe

class Mean(nn.Module):
    def __init__(self, parents):
        super().__init__()
        self.parents = nn.ModuleDict(parents)

    def forward(self, x):
        return torch.stack([net(x) for net in self.parents.values()]).mean(dim=0)

def mean(shape, classes, *, parents):
    return Mean(parents)

@looped
def warned(model, images, labels, *, attacked):
    near = attacked["near"]
    torch.save(near._asdict(), "given.pt")
    images, labels = torch.cat([images, near.images]), torch.cat([labels, near.labels])

    def loss(x, y, step):
        return nn.functional.cross_entropy(model(x), y)

    return Recipe(loss, images=images, labels=labels)

def headed(shape, classes, *, parents):
    return nn.Sequential(Mean(parents), nn.Linear(classes, classes))

class Fragile(nn.Sequential):
    # Writes down each forward pass of a training; at the tenth the job is killed, once.
    def forward(self, x):
        if self.training:
            with Path("calls.txt").open("a") as file:
                print(len(x), file=file)
            calls = len(Path("calls.txt").read_text().splitlines())
            if calls == 10 and not Path("killed").exists():
                Path("killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)

def fragile(shape, classes):
    return Fragile(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))
"""
OWN_METHODS = ["own_nets:mean", "own_nets:headed", "own_nets:fragile"]
NEAR = {"experiment": "before", "net": "stepwise@10"}
LINEAR = {"method": "mlp", "hidden": []}


def written(folder):
    """A workflow with a net whose checkpoints are kept, and one that starts from its tenth."""
    workflow = Workflow(folder)
    (workflow.folder / "own_nets.py").write_text(OWN, "utf-8")
    config = workflow.config
    config["nets"] = {
        "stepwise": {
            "model": LINEAR, "train_on": "P1", "checkpoints": [0, 10],
            "trainer": {"method": "sgd", "epochs": 30, "batch": 100, "patience": 2},
        },
        "next": {
            "model": LINEAR, "train_on": "P2", "parents": {"start": "stepwise@10"},
            "trainer": {"method": "sgd", "epochs": 1, "learning_rate": STILL},
        },
        "committee": {
            "model": {"method": "own_nets:mean"}, "parents": {"a": "stepwise", "b": "stepwise@10"},
        },
        "warned": {
            "model": LINEAR, "train_on": "P1", "attacked": {"near": NEAR},
            "trainer": {"method": "own_nets:warned", "epochs": 1, "batch": 100},
        },
    }  # fmt: skip
    nets = ["stepwise@0", "stepwise@10", "committee", "next"]
    both = {"sources": ["stepwise@10", "committee"], "victims": nets, "amplify": []}
    config["experiments"]["both"] |= both
    few = {"part": "P1", "n": 7, "sources": ["stepwise@10"], "controls": [], "amplify": []}
    before = config["experiments"]["both"] | few | {"victims": ["warned"]}
    config["experiments"]["before"] = before
    more = before | {"n": 9, "victims": ["stepwise@10"]}  # of the same attack
    config["experiments"]["more"] = more
    config["attacks"]["lbfgs"] = {"method": "closest", "target": "any", "steps": 5, "rounds": 1}
    config["tables"] = {
        "errors": {"method": "errors", "experiment": "both", "parts": ["test"]},
        "training": {"method": "training", "experiment": "both"},
    }  # fmt: skip
    config["figures"] = {}
    return workflow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workflow = written(tmp_path_factory.mktemp("nets") / "run")
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


def net(run, name):
    return weights.load(run.results / f"nets/{name}.s0/weights.safetensors", own=OWN_METHODS)


def clean(run, name):
    return pd.read_parquet(run.results / f"nets/{name}.s0/clean.parquet")


def test_checkpoints_are_nets_with_the_weights_of_their_step(run):
    with safe_open(run.results / "nets/stepwise.s0/checkpoints.safetensors", "pt") as file:
        for step in (0, 10):
            found = net(run, f"stepwise@{step}").state_dict()
            assert sorted(found) == ["1.bias", "1.weight"]
            assert all(torch.equal(t, file.get_tensor(f"{step}/{n}")) for n, t in found.items())
    shown = torch.from_numpy(
        tables.images(tables.read(run.folder / "resources/digits/test.parquet"))
    )
    for name in ("stepwise@0", "stepwise@10", "stepwise"):
        rows = clean(run, name).query("file == 'test'")
        answers = net(run, name)(shown).argmax(dim=1)
        assert (answers.numpy() == rows["prediction"]).mean() > 0.99  # but for ties
    begun = net(run, "next").state_dict()
    assert all(torch.equal(t, begun[n]) for n, t in net(run, "stepwise@10").state_dict().items())


def test_checkpoints_and_nets_of_parents_are_sources_victims_and_certified(run):
    transfer = pd.read_parquet(run.results / "measurements/transfer/both/transfer.parquet")
    assert set(transfer["victim"]) == {"stepwise@0", "stepwise@10", "committee", "next"}
    assert {"stepwise@10", "committee"} <= set(transfer["source"].dropna())
    table = pd.read_parquet(run.results / "tables/errors.parquet")
    assert "stepwise (step 10)" in set(table["row_label"])
    certified = pd.read_parquet(run.results / "certificates/product/stepwise@10.s0.parquet")
    assert (certified["radius"] > 0).any()
    audit = pd.read_parquet(run.results / "audit.parquet")
    assert set(audit["net"]) == {"stepwise@0", "stepwise@10", "committee", "next", "warned"}


def test_the_history_says_which_epoch_is_kept(run):
    history = pd.read_parquet(run.results / "nets/stepwise.s0/history.parquet")
    (kept,) = history.index[history["kept"] == 1]
    assert kept == history["validation_error"].idxmin()
    assert kept == len(history) - 3 or len(history) == 30
    split = tables.read(run.results / "splits/digits.s0.parquet").to_pandas()
    rows = split.loc[split["subset"] == "validation", ["file", "index"]]
    shown = rows.merge(clean(run, "stepwise"), on=["file", "index"])
    assert len(shown) == 100
    wrong = 100 * (shown["outcome"] == "WRONG").mean()
    assert history["validation_error"][kept] == pytest.approx(wrong)
    training = pd.read_parquet(run.results / "tables/training.parquet")
    assert set(training["row"]) == {"stepwise", "next"}


def test_a_net_of_parents_says_what_it_is_made_of_and_no_job_trained_it(run, monkeypatch):
    monkeypatch.syspath_prepend(run.folder)
    spec = weights.spec_of(run.results / "nets/committee.s0/weights.safetensors")
    assert spec["method"] == "own_nets:mean" and spec["parents"].keys() == {"a", "b"}
    assert {parent["method"] for parent in spec["parents"].values()} == {"mlp"}
    assert not (run.results / "nets/committee.s0/history.parquet").exists()
    assert (run.folder / "logs/small/adopt/committee.s0.log").exists()
    images = torch.rand(5, 1, 8, 8)
    parts = torch.stack([net(run, name)(images) for name in ("stepwise", "stepwise@10")])
    assert torch.allclose(net(run, "committee")(images), parts.mean(dim=0), atol=1e-6)
    assert len(clean(run, "committee")) == 1797


def test_a_net_is_trained_on_the_attacked_images_of_an_experiment(run):
    rows = tables.read(run.results / "attacks/lbfgs/stepwise@10.s0/digits/P1.parquet")
    assert len(rows) == 9
    given = torch.load(run.folder / "given.pt")
    assert np.array_equal(given["images"].numpy(), tables.images(rows)[:7])
    for column, name in (("label", "labels"), ("success", "success"), ("index", "rows")):
        assert given[name].tolist() == rows[column].to_pylist()[:7]
    assert given["eps"].isnan().all()
    history = pd.read_parquet(run.results / "nets/warned.s0/history.parquet")
    assert history["iteration"].tolist() == [-(-(splits(run)["P1"] + 7) // 100)]


def splits(run):
    split = tables.read(run.results / "splits/digits.s0.parquet").to_pandas()
    return split["subset"].value_counts()


def test_only_what_a_change_touches_runs_again(run):
    assert run.jobs() == {}
    nets = run.config["nets"]
    before = json.dumps(nets)
    try:
        nets["stepwise"]["checkpoints"].reverse()
        assert run.jobs() == {}
        nets["stepwise"]["checkpoints"].reverse()
        nets["committee"]["parents"]["b"] = "next"
        jobs = run.jobs()
        assert jobs["adopt"] == 1 and "train" not in jobs and "train_checkpoints" not in jobs
        nets["warned"]["attacked"]["near"]["experiment"] = "more"
        assert run.jobs()["train"] == 1
        nets["warned"]["attacked"]["near"]["experiment"] = "before"
        nets["committee"]["parents"]["b"] = "stepwise@10"
        nets["stepwise"]["trainer"]["decay"] = 0.1
        jobs = run.jobs()
        assert (jobs["train_checkpoints"], jobs["train"], jobs["adopt"]) == (1, 2, 3)
    finally:
        run.config["nets"] = json.loads(before)


def test_what_only_a_job_can_find_is_one_line(run, tmp_path):
    workflow = written(tmp_path / "run")
    (workflow.folder / "resources").symlink_to(run.folder / "resources")
    nets = workflow.config["nets"]
    nets["stepwise"]["checkpoints"] = [0, 10, 211]
    parents = {"a": "short", "b": "short"}
    nets["short"] = {"model": LINEAR, "train_on": "P1", "trainer": {"method": "sgd", "epochs": 1}}
    nets["headed"] = {"model": {"method": "own_nets:headed"}, "parents": parents}
    nets["ended"] = {
        "model": LINEAR, "train_on": "P1", "checkpoints": [15],
        "trainer": {
            "method": "sgd", "epochs": 30, "batch": 100, "patience": 1,
            "learning_rate": [[0, 0], [29, 0], [30, 0.1]],
        },
    }  # fmt: skip
    names = ("stepwise", "headed", "ended")
    wanted = [f"results/small/nets/{net}.s0/weights.safetensors" for net in names]
    ended = workflow.run("--keep-going", *wanted)
    assert ended.returncode != 0
    for line in (
        "config: nets.stepwise: checkpoints: expected steps of at most 210, the last of this "
        "training, found 211; lower it, or train for longer",
        "config: nets.headed: expected a model that is made of its parents alone, found that "
        "own_nets:headed has parameters of its own (1.weight); add a trainer and train_on, or "
        "weights",
        "config: nets.ended.checkpoints: expected steps of at most 14, where patience ended the "
        "training, found 15; lower it",
    ):
        assert line in ended.stdout


def test_a_trainer_of_fifteen_lines_goes_on_after_a_kill_without_code_of_its_own(tmp_path):
    source = (ROOT / "examples/trainer/my_trainers.py").read_text("utf-8")
    assert len(source.splitlines()) <= 15
    assert not re.search("checkpoint|resume|progress", source)
    made = []
    for name in ("undisturbed", "killed"):
        workflow = Workflow(tmp_path / name)
        (workflow.folder / "own_nets.py").write_text(OWN, "utf-8")
        (workflow.folder / "my_trainers.py").write_text(source, "utf-8")
        trainer = {"method": "my_trainers:smoothed", "smoothing": 0.2, "epochs": 3, "batch": 100}
        smoothed = {"model": {"method": "own_nets:fragile"}, "trainer": trainer, "train_on": "P1"}
        workflow.config |= {
            "nets": {"smoothed": smoothed}, "experiments": {}, "tables": {}, "figures": {},
            "certificates": {},
        }  # fmt: skip
        workflow.config["machine"]["checkpoint_seconds"] = 0
        made.append(workflow)
    undisturbed, killed = made
    (undisturbed.folder / "killed").touch()
    path = "results/small/nets/smoothed.s0/weights.safetensors"
    ended = undisturbed.run(path)
    assert ended.returncode == 0, ended.stdout
    ended = killed.run(path)
    assert ended.returncode != 0 and "the job was killed" in ended.stdout
    assert not (killed.folder / path).exists()
    ended = killed.run(path)
    assert ended.returncode == 0, ended.stdout
    assert (killed.folder / path).read_bytes() == (undisturbed.folder / path).read_bytes()
    histories = [
        tables.read(each.results / "nets/smoothed.s0/history.parquet").drop(["seconds"])
        for each in made
    ]
    assert histories[0].equals(histories[1])
    expected, found = ((each.folder / "calls.txt").read_text("utf-8").splitlines() for each in made)
    assert len(expected) == 3 * 7
    assert found == expected[:10] + expected[9:]  # the step in which it was killed is repeated
