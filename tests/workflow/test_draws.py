"""A stochastic net, in a file outside the package, through the whole workflow."""

import pandas as pd
import pytest
from scipy import stats

from tests.workflow.conftest import Workflow

LAB = '''
import torch
from torch import nn


class Coin(nn.Module):
    """A linear classifier, which once trained says 0 in one of four answers, whatever the image."""

    def __init__(self, pixels, classes):
        super().__init__()
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(pixels, classes))

    def forward(self, x):
        logits = self.classifier(x)
        if self.training:
            return logits
        zero = (torch.rand(len(x), 1, device=x.device) < 0.25).to(x)
        return logits + 1e4 * zero * torch.eye(logits.shape[1], device=x.device)[0]


def coin(shape, classes):
    return Coin(64, classes)
'''
DRAWS, N = 40, 48


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workflow = Workflow(tmp_path_factory.mktemp("draws") / "run")
    (workflow.folder / "my_lab.py").write_text(LAB, "utf-8")
    config = workflow.config
    trainer = {"method": "lbfgs", "decay": 1e-3, "tolerance": 1e-2}
    linear = config["nets"]["linear"]
    config["nets"] = {
        "linear": linear,
        "same": linear | {"label": "same", "draws": 3},
        "coin": {"model": {"method": "my_lab:coin"}, "draws": DRAWS, "trainer": trainer,
                 "train_on": "P1"},
    }  # fmt: skip
    config["measurements"] = {"layers": {"method": "layers"}}
    config["attacks"]["closest"] = {"method": "closest", "target": "any", "steps": 10}
    config["experiments"] = {
        "by_chance": {
            "attack": "closest", "part": "test", "n": N, "sources": ["linear", "coin"],
            "victims": ["linear", "coin", "same"], "controls": ["noise"], "controls_n": N,
        }
    }  # fmt: skip
    named = {"experiment": "by_chance"}
    config["tables"] = {
        "errors": {"method": "errors", "parts": ["test"]} | named,
        "transfer": {"method": "transfer"} | named,
        "ledger": {"method": "ledger"} | named,
    }
    config["figures"] = {}
    config["machine"]["chunk"] = 64
    workflow.ended = workflow.run()
    assert workflow.ended.returncode == 0, workflow.ended.stdout
    return workflow


def read(run, pattern):
    (path,) = run.results.glob(pattern)
    return pd.read_parquet(path)


def test_shares_are_those_of_the_known_chance(run):
    clean = read(run, "nets/coin.s0/clean.parquet")
    total = clean[["right", "wrong", "rejected"]].sum(axis=1)
    assert (abs(total - 1) < 1e-6).all() and (clean["rejected"] == 0).all()
    # A quarter of the draws is wrong, for images that are no 0 and that the classifier gets right.
    told = clean[(clean["label"] != 0) & (clean["right"] > 0)]
    wrong = round(DRAWS * float(told["wrong"].astype(float).sum()))
    low, high = stats.binom.interval(1 - 1e-9, DRAWS * len(told), 0.25)
    assert len(told) > 1000 and low <= wrong <= high
    by_outcome = clean.groupby("outcome", observed=True)[["right", "wrong"]].min()
    assert by_outcome.loc["RIGHT", "right"] >= 0.5 and by_outcome.loc["WRONG", "wrong"] > 0.5
    assert read(run, "nets/linear.s0/clean.parquet")["right"].isna().all()


def test_the_attack_is_judged_by_shares(run):
    attack = read(run, "attacks/closest/coin.s0/**/*test.parquet")
    assert attack["success_share"].notna().all()
    assert ((attack["success_share"] > 0.5) == attack["success"]).all()
    assert not attack["mistaken"].any()
    assert read(run, "attacks/closest/linear.s0/**/*test.parquet")["success_share"].isna().all()


def test_errors_are_means_of_shares(run):
    shown = read(run, "measurements/transfer/by_chance/transfer.parquet")
    noisy = shown[(shown["victim"] == "coin") & shown["source"].isna()]
    cells = read(run, "tables/transfer.parquet").set_index(["row", "column"])["value"]
    assert cells["noise", "coin"] == pytest.approx(100 * noisy["wrong"].astype(float).mean())


def test_it_has_no_row_in_the_ledger_no_certificate_and_the_audit_says_so(run):
    ledger = read(run, "ledger.parquet")
    assert set(ledger["net"]) == {"linear"}
    for net in ("coin", "same"):
        certified = read(run, f"certificates/*/{net}.s0.parquet")
        assert (certified["status"] == "UNSUPPORTED").all() and certified["radius"].isna().all()
        assert certified["reason"].str.contains("draws").all()
    audit = read(run, "audit.parquet").set_index(["net", "check"])
    assert audit.loc[("coin", "clean"), "checked"] == 0
    assert "random" in audit.loc[("coin", "clean"), "reason"]
    attack = read(run, "attacks/closest/coin.s0/**/*test.parquet")
    assert audit.loc[("coin", "length"), "checked"] == attack["l2"].notna().sum() > 0


def test_draws_of_a_net_that_answers_the_same_are_warned_of(run):
    warned = [line for line in run.ended.stdout.splitlines() if "leave out draws" in line]
    assert warned and all("nets.same.draws" in line for line in warned)


def test_equal_seeds_give_equal_bytes(run):
    paths = [
        path
        for pattern in (
            "nets/coin.s0/clean*",
            "attacks/closest/coin.s0/**/*.parquet",
            "measurements/transfer/**/*.parquet",
        )
        for path in run.results.glob(pattern)
    ]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    ended = run.run()
    assert ended.returncode == 0, ended.stdout
    assert [path.read_bytes() for path in paths] == before
