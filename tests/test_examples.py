"""The code in docs/bring-your-own is that of examples/, and runs without changes of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from blindspots import models
from blindspots.files import tables
from blindspots.interface import InputError
from tests.conftest import ROOT

EXAMPLES, PAGES = ROOT / "examples", ROOT / "docs/bring-your-own"
SHOWN = re.compile(r"<!-- (\S+) -->\n```\w+\n(.*?)```", re.S)
CODE = ("blindspots", "docs", "examples", "profiles", "reports", "rules", "schemas", "scripts")


def test_the_pages_show_every_file_of_the_examples_as_it_is():
    shown = {}
    for page in PAGES.glob("*.md"):
        found = SHOWN.findall(page.read_text("utf-8"))
        assert len(found) == len(re.findall(r"^```\w+\n", page.read_text("utf-8"), re.M)), page
        shown |= dict(found)
    for path, text in shown.items():
        assert text == (ROOT / path).read_text("utf-8"), path
    files = [*EXAMPLES.rglob("*.py"), *EXAMPLES.rglob("*.yaml"), *EXAMPLES.rglob("*.sh")]
    own = {p.relative_to(ROOT).as_posix() for p in files if not p.name.startswith("make_")}
    assert own == shown.keys()


def test_every_file_that_a_page_links_to_is_there_and_the_index_links_every_page():
    index = ROOT / "docs/extending.md"
    linked = set()
    for page in [index, *PAGES.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
                linked |= {(page.parent / target).resolve()} if page == index else set()
    assert set(PAGES.glob("*.md")) <= linked


class Example:
    """A copy of an example in a folder of its own, as a user would have it."""

    def __init__(self, name, folder):
        self.folder = folder / name
        shutil.copytree(
            EXAMPLES / name, self.folder, ignore=shutil.ignore_patterns(".*", "results", "logs")
        )

    def do(self, *command):
        """Run a command to its end; the checkout must stay as it is."""
        before = checkout()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(
            command, cwd=self.folder, text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PATH": path},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout
        assert checkout() == before
        return ended.stdout

    def run(self):
        """Run the example's commands, as the page shows them, and return the results' folder."""
        self.do("sh", "-e", "run.sh")
        (results,) = (self.folder / "results").iterdir()
        return results


def checkout():
    """Return the time of every file of the checkout that a run could depend on."""
    files = [path for folder in CODE for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {p: p.stat().st_mtime_ns for p in files if "__pycache__" not in p.parts}


def accuracy(results, net):
    clean = pd.read_parquet(results / f"nets/{net}.s0/clean.parquet")
    clean = clean[clean["file"] == "test"]
    return (clean["prediction"] == clean["label"]).mean()


def test_models_of_ones_own_are_attacked_compared_and_certified(tmp_path, monkeypatch):
    example = Example("model", tmp_path)
    results = example.run()
    for net in ("small", "wide", "smooth"):
        assert accuracy(results, net) > 0.9
    transfer = pd.read_parquet(results / "tables/transfer.parquet")
    cells = transfer.set_index(["row", "column"])["value"]
    for source in ("small", "smooth"):
        assert cells[source, source] == 100
        for victim in {"small", "wide", "smooth"} - {source}:
            assert 0 <= cells[source, victim] < 100
    ledger = pd.read_parquet(results / "ledger.parquet")
    certified = ledger[ledger["lower"].notna() & (ledger["net"] == "smooth")]
    assert (certified["lower"] <= certified["upper"]).all()
    assert certified["lower"].median() > 0
    audit = pd.read_parquet(results / "audit.parquet").set_index(["net", "check"])
    assert audit.loc[("smooth", "distance"), "checked"] == 4 * 32  # in every norm
    assert "exported is not known to the audit" in audit.loc[("smooth", "answer"), "reason"]
    page = (results / "report.html").read_text("utf-8")
    assert all(net in page for net in ("small", "wide", "smooth"))
    monkeypatch.chdir(example.folder)
    assert models.load(results / "nets/smooth.s0/weights.safetensors")
    Path("data/smooth.pt2").unlink()
    with pytest.raises(InputError, match=r"data/smooth\.pt2: expected a file written by torch"):
        models.load(results / "nets/smooth.s0/weights.safetensors")


def prepare(example, form, *options):
    """Return Snakemake's output when it prepares the images in one of the forms."""
    return example.do(
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "1",
        "--configfile", "config.yaml", f"{form}.yaml", "--until", "prepare", *options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """The example of data sets, run on Parquet files, and prepared from the other forms."""
    example = Example("dataset", tmp_path_factory.mktemp("examples"))
    example.run()
    for form in ("folder", "npz"):
        prepare(example, form)
    return example


def test_images_of_ones_own_are_learnt_and_attacked(dataset):
    results = dataset.folder / "results/my-parquet"
    assert accuracy(results, "FC10") > 0.9
    errors = pd.read_parquet(results / "tables/errors.parquet").set_index("column")
    assert 0 < errors.loc["distortion", "value"] < 0.5
    page = (results / "report.html").read_text("utf-8")
    assert "Errors and distortions" in page
    assert {"zero", "nine"} & set(re.findall(r"original: a (\w+)<", page))
    assert not re.search(r"original: a \d", page)


def test_a_folder_parquet_and_npz_of_the_same_images_are_the_same_dataset(dataset):
    prepared = sorted((dataset.folder / "resources").iterdir())
    assert [folder.name.split("-")[0] for folder in prepared] == ["folder", "npz", "parquet"]
    for part in ("train", "test"):
        images = [
            tables.read(folder / f"{part}.parquet").select(["sha256", "label"]).to_pandas()
            for folder in prepared
        ]
        images = [rows.sort_values(["sha256", "label"], ignore_index=True) for rows in images]
        assert images[0].equals(images[1])
        assert images[0].equals(images[2])


def test_changed_images_are_prepared_again(dataset):
    would_run = re.compile(r"^prepare +1", re.M)
    assert not would_run.search(prepare(dataset, "npz", "--dry-run"))
    file = dataset.folder / "data/digits.npz"
    arrays = dict(np.load(file))
    np.savez_compressed(file, **(arrays | {"x_train": 255 - arrays["x_train"]}))
    assert would_run.search(prepare(dataset, "npz", "--dry-run"))


def test_an_attack_of_ones_own_is_in_the_ledger_beside_the_packages(tmp_path):
    results = Example("attack", tmp_path).run()
    signs, closest = (
        pd.read_parquet(results / f"attacks/{name}/FC50-10.s0/digits/test.parquet")
        for name in ("signs", "closest")
    )
    assert signs["eps"].tolist() == [0.05, 0.1, 0.2] * 32
    assert (signs["linf"] <= signs["eps"] * (1 + 1e-6)).all()
    assert (signs["success"] == (signs["attacked_outcome"] == "WRONG")).all()
    fooled = signs[signs["success"]].merge(closest, on="index", suffixes=("", "_closest"))
    assert (fooled["l2"] >= 0.999 * fooled["l2_closest"]).all()
    ledger = pd.read_parquet(results / "ledger.parquet")
    nearest = ledger[ledger["goal"] == "any"].set_index(["norm", "index"])["upper"]
    for norm in ("l1", "l2", "linf"):
        best = pd.concat([signs[signs["success"]], closest[closest["success"]]])
        best = best.groupby("index")[norm].min()
        assert (nearest[norm][best.index] <= best + 1e-12).all()
    table = pd.read_parquet(results / "tables/robustness.parquet").set_index("column")["value"]
    found = [table[f"found at linf {eps}"] for eps in (0.05, 0.1, 0.2)]
    assert found == [100 * (nearest["linf"] <= eps * (1 + 1e-6)).mean() for eps in (0.05, 0.1, 0.2)]
    shown = pd.read_parquet(results / "tables/errors.parquet").set_index(["row", "column"])
    of_signs = signs[(signs["eps"] == 0.1) & (signs["outcome"] == "RIGHT")]
    success = shown.loc[("signs at eps 0.1/FC50-10", "success"), "value"]
    assert success == pytest.approx(100 * of_signs["success"].mean())
    assert "Error against radius" in (results / "report.html").read_text("utf-8")


def test_a_trainer_of_ones_own_trains_a_net_and_its_checkpoint(tmp_path):
    results = Example("trainer", tmp_path).run()
    history = pd.read_parquet(results / "nets/smoothed.s0/history.parquet")
    (kept,) = history.index[history["kept"] == 1]
    assert kept == history["validation_error"].idxmin()
    # No net has less loss against labels that have 0.82 of their class and 0.02 of the nine others.
    assert history["loss"].min() > -0.82 * np.log(0.82) - 9 * 0.02 * np.log(0.02)
    assert set(history["iteration"].diff().dropna()) == {history["iteration"][0]}
    table = pd.read_parquet(results / "tables/errors.parquet").set_index(["row", "column"])
    for net in ("plain", "smoothed@100", "smoothed"):
        assert table.loc[(net, "test"), "value"] == pytest.approx(
            100 * (1 - accuracy(results, net))
        )
        assert table.loc[(net, "success"), "value"] == 100
    assert "smoothed (step 100)" in (results / "report.html").read_text("utf-8")


def test_a_table_and_a_figure_of_ones_own_are_in_the_report(tmp_path):
    results = Example("analysis", tmp_path).run()
    rows = pd.read_parquet(results / "attacks/closest/FC10.s0/digits/test.parquet")
    moved = rows[rows["success"] & (rows["distortion"] > 0)]
    expected = moved.groupby("label")["distortion"].mean()
    table = pd.read_parquet(results / "tables/by-class.parquet")
    assert np.allclose(table["value"], expected.loc[table["column"].astype(int)])
    assert (results / "figures/boxes.svg").exists()
    page = (results / "report.html").read_text("utf-8")
    assert "Distortion by class" in page
    assert "Distortions of each class" in page


@pytest.mark.slow
@pytest.mark.ci
def test_others_networks_are_in_one_matrix(tmp_path, shared_data, monkeypatch):
    monkeypatch.setenv("BLINDSPOTS_DATA", str(shared_data))
    results = Example("others-models", tmp_path).run()
    published = {"WK-0.1": 1.80, "WK-0.3": 14.8, "ERAN-conv": 1.75, "ERAN-6x100": 3.71}
    for net, error in published.items():
        assert 100 * (1 - accuracy(results, net)) == pytest.approx(error, abs=0.05)
    transfer = pd.read_parquet(results / "tables/transfer.parquet")
    cells = transfer.set_index(["row", "column"])["value"]
    assert all(cells[net, net] == 100 for net in published)
    ledger = pd.read_parquet(results / "ledger.parquet")
    assert set(ledger["net"]) == published.keys()
    assert (ledger["lower"] <= ledger["upper"]).all()
    assert (ledger.groupby("net")["lower"].median() > 0).all()
