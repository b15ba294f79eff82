"""The workflow on several datasets: derived ones, and vectors with a box per feature or without."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from blindspots import models
from blindspots.files import tables
from tests.conftest import ROOT
from tests.workflow import makers
from tests.workflow.warm import Warm

NET = {
    "model": {"method": "mlp", "hidden": []}, "train_on": "train",
    "trainer": {"method": "lbfgs", "decay": 1e-3, "tolerance": 1e-2},
}  # fmt: skip
BASE = {
    "run": "toy", "seeds": [0, 1], "splits": {"validation": 0.1, "p1": 0.5, "p2": 0.5},
    "attacks": {"near": {"method": "closest", "target": "any", "steps": 6, "rounds": 2},
                "noise": {"method": "gaussian", "std": 0.2},
                "farther": {"method": "sphere", "distortion": 1.8, "clip": False}},
    "certificates": {"product": {"method": "lipschitz"}},
    "figures": {}, "machine": {"device": "cpu", "threads": 1, "chunk": 8},
}  # fmt: skip
MADE_FROM_A_NET = BASE | {
    "data": {"method": "digits"},
    "datasets": {"aimed": {"method": "tests.workflow.makers:towards", "parents": {"net": "first"}}},
    "nets": {"first": NET, "second": NET | {"data": "aimed"}},
}
VECTORS = BASE | {
    "seeds": [0],
    "datasets": {
        "boxed": {"method": "tests.workflow.makers:points"},
        "free": {"method": "tests.workflow.makers:points", "boxed": False},
    },
    "nets": {"first": NET | {"data": "boxed"}, "second": NET | {"data": "free"}},
}


def experiment(dataset):
    nets = ["first", "second"]
    return {"data": dataset, "attack": "near", "part": "test", "n": 8, "sources": nets,
            "victims": nets, "controls": ["noise", "farther"], "amplify": [0.3]}  # fmt: skip


def asked(config):
    """A config with an experiment on each dataset, and tables across all."""
    config = copy.deepcopy(config)
    names = [*({"digits": 0} if "data" in config else {}), *config["datasets"]]
    config["experiments"] = {name: experiment(name) for name in names}
    config["tables"] = {
        f"{method}-{name}": {"method": method, "experiment": name} | more
        for name in names
        for method, more in (("errors", {"parts": ["train", "test"]}), ("ledger", {}),
                             ("excess", {}), ("transfer", {}))
    }  # fmt: skip
    return config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs a config in a folder of its own, and returns the folder."""
    warm = Warm(ROOT)

    def run(config):
        folder = tmp_path_factory.mktemp("datasets")
        (folder / "my.yaml").write_text(yaml.safe_dump(config), "utf-8")
        warm.begin(folder, folder / "said.txt", "--snakefile", ROOT / "Snakefile",
                   "--configfile", "my.yaml", "--cores", "1")  # fmt: skip
        return folder, warm.end(), (folder / "said.txt").read_text("utf-8")

    yield run
    warm.close()


@pytest.fixture(scope="module")
def made(run):
    """The results of a net trained on images derived with another net, and of the plain images."""
    folder, status, said = run(asked(MADE_FROM_A_NET))
    assert status == 0, said
    return folder


@pytest.fixture(scope="module")
def vectors(run):
    folder, status, said = run(asked(VECTORS))
    assert status == 0, said
    return folder / "results/toy"


@pytest.mark.parametrize("seed", [0, 1])
def test_every_image_is_made_from_that_of_the_same_file_and_place_by_the_seeds_own_net(made, seed):
    net = models.load(made / f"results/toy/nets/first.s{seed}/weights.safetensors")
    for file in ("train", "test"):
        plain = tables.read(made / f"resources/digits/{file}.parquet")
        aimed = tables.read(made / f"results/toy/datasets/aimed.s{seed}/{file}.parquet")
        given = tables.images(plain).copy(), plain["label"].to_numpy().astype(np.int64)
        images, labels = makers.towards(
            *map(torch.from_numpy, given), parents={"net": net}, box=(0.0, 1.0), classes=10
        )
        assert np.array_equal(tables.images(aimed), images.numpy())
        assert aimed["label"].to_pylist() == labels.tolist()


def test_an_image_that_was_made_lies_in_the_part_of_the_image_that_it_is_made_from(made):
    for seed in (0, 1):
        plain, aimed = (
            pd.read_parquet(made / f"results/toy/splits/{name}.s{seed}.parquet")
            for name in ("digits", "aimed")
        )
        kept = ["seed", "file", "index", "subset"]
        assert plain[kept].equals(aimed[kept])
        assert (plain["dataset"].unique(), aimed["dataset"].unique()) == (["digits"], ["aimed"])
        assert (plain["sha256"] != aimed["sha256"]).mean() > 0.99


def test_both_datasets_have_their_own_rows_of_every_net_everywhere(made):
    results = made / "results/toy"
    ledger = pd.read_parquet(results / "ledger.parquet")
    of_one = ledger[(ledger["goal"] == "any") & (ledger["norm"] == "l2")]
    rows = of_one.groupby(["net", "seed", "dataset"]).size()
    assert len(rows) == 8 and (rows == 8).all()
    for name in ("digits", "aimed"):
        for method, table in (
            ("transfer", "transfer"),
            ("transfer", "pictures"),
            ("sweep", "radii"),
        ):
            path = results / f"measurements/{method}/{name}/{table}.parquet"
            found = pd.read_parquet(path, columns=["dataset"])
            assert set(found["dataset"]) == {name}
        cells = pd.read_parquet(results / f"tables/errors-{name}.parquet")
        error = cells[cells["column"] == "train"].set_index("row")["value"]
        its_own, other = ("first", "second") if name == "digits" else ("second", "first")
        assert error[its_own] < 1 < 10 < error[other]


@pytest.mark.parametrize("folder", ["made", "vectors"])
def test_the_audit_can_check_all_of_it(folder, request):
    found = request.getfixturevalue(folder)
    found = found / "results/toy" if folder == "made" else found
    audit = pd.read_parquet(found / "audit.parquet")
    assert (audit["unchecked"] == 0).all()
    assert {"distance", "answer", "radius", "order", "clean", "transfer"} <= set(audit["check"])


def test_attacked_vectors_lie_in_the_box_of_their_features_or_in_none(vectors):
    for net in ("first", "second"):
        rows = pd.read_parquet(vectors / f"attacks/near/{net}.s0/boxed/test.parquet")
        images = np.stack(rows["image"])
        assert rows["success"].all()
        assert ((images >= makers.LOWER) & (images <= makers.UPPER)).all()
    noise = pd.read_parquet(vectors / "measurements/transfer/free/pictures.parquet")
    noise = noise[noise["attack"] == "noise"]
    assert (np.stack(noise["image"]) < 0)[:, :2].any()  # below where features begin
    boxed = pd.read_parquet(vectors / "measurements/transfer/boxed/pictures.parquet")
    boxed = boxed[boxed["attack"] != "farther"]  # which is not clipped
    assert (np.stack(boxed["image"]) >= makers.LOWER).all()


@pytest.mark.parametrize("name", ["boxed", "free"])
def test_controls_that_are_not_clipped_leave_the_box_and_are_no_witnesses(vectors, name):
    pictures = pd.read_parquet(vectors / f"measurements/transfer/{name}/pictures.parquet")
    images = np.stack(pictures.loc[pictures["attack"] == "farther", "image"])
    outside = ((images < makers.LOWER) | (images > makers.UPPER)).any(axis=1)
    assert outside.any()
    shown = pd.read_parquet(vectors / f"measurements/transfer/{name}/transfer.parquet")
    length = shown.loc[shown["attack"] == "farther", "distortion"]
    assert length.to_numpy() == pytest.approx(1.8, rel=1e-6)
    rows = pd.read_parquet(vectors / f"measurements/transfer/{name}/witnesses.parquet")
    rows = rows[rows["attack"] == "farther"]
    assert (rows["success"] == rows["inside"]).all()
    within = rows["image"].map(lambda x: ((x >= makers.LOWER) & (x <= makers.UPPER)).all())
    assert name == "free" or (within == rows["inside"]).all()


@pytest.mark.parametrize("name", ["boxed", "free"])
def test_noise_as_long_as_each_perturbation_fits_in_the_box_or_is_the_same_without_one(
    vectors, name
):
    radii = pd.read_parquet(vectors / f"measurements/sweep/{name}/radii.parquet")
    assert (radii["noise_draws"] == 16).all() and (radii["noise_in_box_draws"] <= 16).all()
    kinds = [radii[[f"{kind}_{of}" for of in ("fooled", "rejected", "draws")]].to_numpy(float)
             for kind in ("noise", "noise_in_box")]  # fmt: skip
    assert np.array_equal(*kinds, equal_nan=True) == (name == "free")
    cells = pd.read_parquet(vectors / f"tables/excess-{name}.parquet")
    assert {"noise", "noise in the box"} <= set(cells["column"])


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"method": "tests.workflow.makers:crooked"}, "box.lower: expected a number, or an array"),
        (
            {"method": "tests.workflow.makers:smaller", "data": "boxed"},
            "images: expected a tensor or an array like that given, (60, 3) float32, found Tensor",
        ),
        ({"method": "digits"}, "to have its shape and number of classes"),
    ],
)
def test_a_dataset_that_does_not_fit_ends_the_run_in_a_line(run, dataset, message):
    config = copy.deepcopy(VECTORS)
    config["datasets"]["free"] = dataset
    config = asked(config)
    _, status, said = run(config)
    assert status != 0
    assert any(message in line and line.startswith("logs/") for line in said.splitlines()), said
