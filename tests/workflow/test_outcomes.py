"""A net that rejects altered images: errors and rejections are distinguished everywhere."""

import pandas as pd
import pytest

from blindspots.threat.outcomes import REJECTED, RIGHT, WRONG
from tests.workflow.conftest import Workflow

DETECTOR = '''
import torch
from torch import nn

from blindspots.attacks.gaussian import gaussian
from blindspots.families import budget


@budget("l2")
def near(model, images, labels, targets, *, eps, seed, rows):
    """Noise in the place of an attack."""
    return gaussian(None, images, labels, std=eps / 40, seed=seed, rows=rows).images


class Detector(nn.Module):
    """A linear classifier with one more logit: pixels of digits are multiples of 1/16."""

    def __init__(self, pixels, classes):
        super().__init__()
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(pixels, classes))

    def forward(self, x):
        off = (16 * x - (16 * x).round()).abs().flatten(1).mean(dim=1, keepdim=True)
        return torch.cat([self.classifier(x), 1e5 * (off - 1e-3)], dim=1)


def detector(shape, classes):
    return Detector(64, classes)


def halves(shape, classes):
    """Probabilities, where logits are expected."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes), nn.Softmax(dim=1))
'''
N = 64


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workflow = Workflow(tmp_path_factory.mktemp("outcomes") / "run")
    (workflow.folder / "my_lab.py").write_text(DETECTOR, "utf-8")
    config, trainer = workflow.config, {"method": "lbfgs", "decay": 1e-3, "tolerance": 1e-2}
    config["nets"] = {"linear": config["nets"]["linear"]} | {
        name: {"model": {"method": f"my_lab:{method}"}, "trainer": trainer, "train_on": "P1"}
        for name, method in (("detector", "detector"), ("sure", "halves"))
    }
    config["certificates"]["product"]["nets"] = ["linear"]
    config["attacks"]["near"] = {"method": "my_lab:near", "eps": 8, "target": "any"}
    config["experiments"] = {
        "noisy": {
            "attack": "near", "part": "test", "n": N, "sources": ["detector", "sure"],
            "victims": ["linear", "detector"], "controls": ["noise"], "controls_n": N,
        }
    }  # fmt: skip
    named = {"experiment": "noisy"}
    config["tables"] = {
        "errors": {"method": "errors", "parts": ["test"]} | named,
        "transfer": {"method": "transfer"} | named,
        "ledger": {"method": "ledger"} | named,
    }
    config["figures"] = {}
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


def read(run, pattern):
    (path,) = run.results.glob(pattern)
    return pd.read_parquet(path)


def test_a_detector_that_rejects_all_noisy_images_makes_no_error_and_has_no_row_by_them(run):
    answers = read(run, "measurements/transfer/noisy/transfer.parquet")
    noisy = answers[(answers["victim"] == "detector") & answers["source"].isna()]
    assert len(noisy) == N and (noisy["outcome"] == REJECTED).all()
    cells = read(run, "tables/transfer.parquet").set_index(["row", "column"])["value"]
    assert cells["noise", "detector"] == 0
    assert cells["noise", "detector rejected"] == 100
    ledger = read(run, "ledger.parquet")
    own = ledger[ledger["net"] == "detector"]
    assert len(own) and own["attack"].isna().all()
    clean = read(run, "**/detector.s0/**/*clean*.parquet")
    wrong = clean[clean["outcome"] == WRONG].merge(own[["file", "index"]].drop_duplicates())
    at_once = own[own["upper"].notna()]
    assert (at_once["upper"] == 0).all()
    assert len(at_once[["file", "index"]].drop_duplicates()) == len(wrong)
    attack = read(run, "attacks/near/detector.s0/**/*test.parquet")
    assert (attack["attacked_outcome"] == REJECTED).all() and not attack["mistaken"].any()
    success = read(run, "tables/errors.parquet").set_index(["row", "column"])
    assert success.loc[("detector", "success"), "value"] == 0
    assert success.loc[("detector", "success"), "n"] == (attack["outcome"] == RIGHT).sum()


def test_the_audit_has_seen_its_answers_or_says_why_not(run):
    audit = read(run, "audit.parquet")
    length = audit[(audit["net"] == "detector") & (audit["check"] == "length")]
    assert length["checked"].tolist() == [N]


def test_a_net_that_returns_probabilities_is_warned_of_whatever_the_attack(run):
    cells = read(run, "tables/errors.parquet")
    told = cells[cells["column"] == "warning"].set_index("row")["text"]
    assert told.to_dict().keys() == {"sure"}
    assert "probabilities" in told["sure"]
    assert "outputs are probabilities" in (run.results / "report.html").read_text("utf-8")
