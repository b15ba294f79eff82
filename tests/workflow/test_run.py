"""The real workflow on a small config and its variants: results, their audit, how a run ends."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from blindspots import models
from blindspots.files import splits, tables

EXPECTED = {
    "certificates/product/coded.s0.parquet", "certificates/product/linear.s0.parquet",
    "figures/examples.svg",
    "attacks/lbfgs/coded.s0/digits/test.parquet", "attacks/lbfgs/linear.s0/digits/test.parquet",
    "audit.parquet", "ledger.parquet", "report.html", "splits/digits.s0.parquet",
    *(f"measurements/layers/{net}.s0/lipschitz.parquet" for net in ("coded", "linear")),
    *(f"measurements/transfer/both/{table}.parquet"
      for table in ("transfer", "pictures", "witnesses")),
    "tables/errors.parquet", "tables/layers.parquet", "tables/ledger.parquet",
    "tables/training.parquet", "tables/transfer.parquet",
    *(f"nets/{net}.s0/{file}" for net in ("coded", "coder", "linear")
      for file in ("clean.parquet", "history.parquet", "weights.safetensors")),
}  # fmt: skip


def test_leaves_the_files_that_the_design_names(finished):
    found = {p.relative_to(finished.results).as_posix() for p in finished.results.rglob("*.*")}
    assert {path for path in found if (finished.results / path).is_file()} == EXPECTED


def test_every_table_says_which_commit_and_settings_it_is_from(finished):
    for path in finished.results.rglob("*.parquet"):
        assert {"commit", "settings"} <= tables.metadata(tables.read(path)).keys()


def test_every_attacked_image_is_one_that_its_source_gets_wrong_in_batches_of_any_size(finished):
    for net in ("linear", "coded"):
        model = models.load(finished.results / f"nets/{net}.s0/weights.safetensors")
        table = tables.read(finished.results / f"attacks/lbfgs/{net}.s0/digits/test.parquet")
        images, labels = torch.from_numpy(tables.images(table)), table["label"].to_numpy()
        for size in (1, 7, 20):
            answers = torch.cat([model(x) for x in images.split(size)]).argmax(dim=1).numpy()
            assert (answers != labels).all()
            assert (answers == table["target"].to_numpy()).all()


def test_attacked_are_the_first_images_of_the_part_in_the_splits_order(finished):
    split = tables.read(finished.results / "splits/digits.s0.parquet")
    expected = splits.rows_of(split, "test")["index"].to_pylist()[:20]
    for net in ("linear", "coded"):
        table = tables.read(finished.results / f"attacks/lbfgs/{net}.s0/digits/test.parquet")
        assert table["index"].to_pylist() == expected


def test_the_stored_distances_are_those_of_the_stored_images(finished):
    prepared = tables.images(tables.read(finished.folder / "resources/digits/test.parquet"))
    table = tables.read(finished.results / "attacks/lbfgs/linear.s0/digits/test.parquet")
    change = tables.images(table).astype(float) - prepared[table["index"].to_numpy()]
    distance = np.sqrt(np.square(change).sum(axis=(1, 2, 3)))
    assert np.allclose(table["l2"].to_numpy(), distance, rtol=1e-12)
    assert np.allclose(table["distortion"].to_numpy(), distance / 8, rtol=1e-12)


def test_transfer_has_every_source_and_control_before_every_victim(finished):
    rows = pd.read_parquet(finished.results / "measurements/transfer/both/transfer.parquet")
    groups = rows.groupby(["source", "attack", "amplified_to", "victim"], dropna=False).size()
    assert len(groups) == (2 * 2 + 1) * 2
    assert (groups == 20).all()


def test_the_report_shows_every_table_and_figure(finished):
    page = (finished.results / "report.html").read_text("utf-8")
    for table in finished.config["tables"]:
        assert f'id="table-{table}"' in page
    assert 'id="figure-examples"' in page


def test_the_audit_rechecked_every_bound_of_both_nets(finished):
    audit = pd.read_parquet(finished.results / "audit.parquet")
    ledger = pd.read_parquet(finished.results / "ledger.parquet")
    assert (audit["unchecked"] == 0).all()
    checked = audit.set_index(["net", "check"])["checked"].unstack(fill_value=0)
    upper = ledger[ledger["upper"].notna()].groupby("net").size()
    assert (checked["answer"] + checked["mistake"]).to_dict() == upper.to_dict()
    assert checked["radius"].to_dict() == {"coded": 20, "linear": 20}


def moved_pixel(table):
    image = tables.images(table).copy()
    image[3, 0, 4, 4] = 1 - image[3, 0, 4, 4]
    column = tables.pa.FixedShapeTensorArray.from_numpy_ndarray(image)
    place = table.column_names.index("image")
    return table.set_column(place, table.schema.field("image"), column)


def raised_radii(table):
    radii = tables.pa.array(table["radius"].to_numpy() * 1.01)
    place = table.column_names.index("radius")
    return table.set_column(place, table.schema.field("radius"), radii)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "attacks/lbfgs/coded.s0/digits/test.parquet",
            moved_pixel,
            "expected the ledger's distance",
        ),
        (
            "certificates/product/coded.s0.parquet",
            raised_radii,
            "radius of certificate product: expected",
        ),
    ],
)
def test_a_file_that_was_changed_by_hand_ends_a_repeated_audit(copied, file, change, message):
    path = copied.results / file
    before = path.stat().st_mtime_ns
    table = tables.read(path)
    tables.write(path, change(table), tables.metadata(table))
    os.utime(path, ns=(before, before))  # otherwise Snakemake would rerun all that depends on it
    ended = copied.run("--forcerun", "audit")
    assert ended.returncode != 0
    told = {line for line in ended.stdout.splitlines() if message in line}
    assert len(told) == 1
    assert "net coded (seed 0), image " in told.pop()
    assert "Traceback" not in ended.stdout


def test_every_job_keeps_to_the_memory_and_the_time_that_its_rule_asks_for(finished):
    files = list((finished.folder / "logs").rglob("*.jsonl"))
    measured = [json.loads(file.read_text("utf-8").splitlines()[-1]) for file in files]
    assert {job["rule_name"] for job in measured} == {
        "prepare", "split", "train", "attack", "certify", "ledger", "audit", "table",
        "figure", "report", "measure_layers", "measure_transfer",
    }  # fmt: skip
    for job in measured:
        taken = {key: 0 if job[key] == "NA" else job[key] for key in ("max_rss", "cpu_time")}
        assert taken["max_rss"] <= job["resources"]["mem_mb"]
        assert taken["cpu_time"] <= 60 * job["resources"]["runtime"]  # of processors, not a clock's


def test_its_end_says_what_was_done_and_where_the_report_is(copied):
    shutil.rmtree(copied.results / "measurements/transfer")
    text = copied.run().stdout
    assert " jobs in " in text
    assert "the slowest: " in text
    assert "open results/small/report.html" in text


def test_a_second_run_does_nothing_and_says_so(finished):
    ended = finished.run()
    assert ended.returncode == 0
    assert "Nothing to be done" in ended.stdout


SPY = """
import os, sys
import torch

def spy(model, images, labels, *, seed=0):
    print("threads", torch.get_num_threads(), os.environ["OMP_NUM_THREADS"], file=sys.stderr)
    return [{"iteration": 0, "loss": 0.0, "seconds": 0.0}], 0
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_pytorch_computes_in_as_many_threads_as_the_job_has(workflow, threads):
    (workflow.folder / "my_spy.py").write_text(SPY, "utf-8")
    workflow.config["nets"]["linear"]["trainer"] = {"method": "my_spy:spy"}
    workflow.config["machine"]["threads"] = threads
    ended = workflow.run(
        "results/small/nets/linear.s0/weights.safetensors", env={"PYTHONPATH": str(workflow.folder)}
    )
    assert ended.returncode == 0, ended.stdout
    log = (workflow.folder / "logs/small/train/linear.s0.log").read_text("utf-8")
    assert f"threads {threads} {threads}\n" in log


def test_seeds_any_goal_and_experiments_of_several_sizes_go_the_whole_way(copied):
    config = copied.config
    config["seeds"] = [0, 3]
    config["attacks"]["any"] = {"method": "closest", "target": "any"}
    both = config["experiments"]["both"]
    config["experiments"]["fewer"] = both | {"n": 8, "controls_n": 30, "sources": ["linear"]}
    config["experiments"]["any"] = both | {"n": 10, "attack": "any", "controls": []}
    for name in ("transfer", "errors", "ledger"):
        config["tables"][f"{name}-fewer"] = config["tables"][name] | {"experiment": "fewer"}
        config["tables"][f"{name}-any"] = config["tables"][name] | {"experiment": "any"}
    config["certificates"]["eclipse"] = {"method": "lipschitz", "bound": "eclipse"}
    config["certificates"]["near"] = {"method": "local", "nets": ["coded"], "n": 5}
    config["measurements"] = {
        "looseness": {"method": "looseness", "bounds": ["product", "eclipse"]},
        "small": {
            "method": "operators", "model": {"method": "lenet"}, "shape": [1, 12, 12], "classes": 3,
        },
        "around": {
            "method": "pockets", "experiments": ["any"], "multiples": [0.5, 1000], "directions": 20,
        },
    }  # fmt: skip
    config["tables"]["pockets"] = {"method": "pockets", "measurement": "around"}
    config["tables"]["operators"] = {"method": "operators", "measurement": "small"}
    for method in ("excess", "radius", "alignment", "looseness"):
        config["tables"][method] = {"method": method, "experiment": "both"}
    for method in ("curves", "heatmap", "robustness"):
        config["figures"][method] = {"method": method, "experiment": "both"}
    ended = copied.run()
    assert ended.returncode == 0, ended.stdout
    around = pd.read_parquet(copied.results / "tables/pockets.parquet").set_index(["row", "column"])
    assert around["networks"].eq(2).all()
    near, far = (around.loc[(f"linear × {multiple}", "share")] for multiple in ("0.5", "1000"))
    assert near["value"] == 0 < far["value"] and far["interval"] == "student"
    excess = pd.read_parquet(copied.results / "tables/excess.parquet")
    assert set(excess["interval"].dropna()) == {"student"}
    assert excess["networks"].eq(2).all()
    looseness = pd.read_parquet(copied.results / "tables/looseness.parquet")
    certified = pd.concat(
        pd.read_parquet(path) for path in (copied.results / "certificates").rglob("*.parquet")
    )
    near = certified[certified["certificate"] == "near"]
    assert near.groupby(["net", "seed"]).size().to_dict() == {("coded", 0): 5, ("coded", 3): 5}
    operators = pd.read_parquet(copied.results / "tables/operators.parquet")
    assert operators[operators["row"] == "weights"]["text"].tolist() == ["fresh, of seed 0"]
    assert set(operators["row"]) == {"weights", "1", "2", "3", "4", "5"}
    loosest = looseness[looseness["column"] == "product/found"].set_index("row")["value"]
    assert loosest["linear"] == pytest.approx(1) and loosest["coded"] > 1
    rows = {
        name: pd.read_parquet(copied.results / f"measurements/transfer/{name}/transfer.parquet")
        for name in config["experiments"]
    }
    assert set(rows["both"]["seed"]) == {0, 3}
    per_net = rows["fewer"].groupby(["attack", "amplified_to", "victim", "seed"], dropna=False)
    sizes = per_net.size().unstack(["victim", "seed"]).xs("noise").to_numpy()
    assert (sizes == 30).all()
    assert (per_net.size().unstack(["victim", "seed"]).xs("lbfgs").to_numpy() == 8).all()
    errors = pd.read_parquet(copied.results / "tables/errors-fewer.parquet")
    distortion = errors[errors["column"] == "distortion"].set_index("row")
    assert (distortion.loc["linear", "n"], distortion.loc["linear", "networks"]) == (8, 2)
    ledger = pd.read_parquet(copied.results / "ledger.parquet")
    attacked = ledger[(ledger["goal"] == "any") & (ledger["attack"] == "any")]
    assert set(attacked["seed"]) == {0, 3}
    # Any image with the target's answer counts, so none is farther than one aimed at the target.
    made = pd.concat(map(pd.read_parquet, copied.results.glob("attacks/lbfgs/*/*/*.parquet")))
    image = ["net", "seed", "dataset", "file", "index", "target"]
    aimed = made[made["success"]].merge(
        ledger[(ledger["goal"] == "target") & (ledger["norm"] == "l2")],
        on=image, how="left", suffixes=("", "_best"), validate="one_to_one",
    )  # fmt: skip
    assert len(aimed) > 0
    assert (aimed["upper"] <= aimed["l2"] * (1 + 1e-12)).all()
    own = aimed["attack_best"] == "lbfgs"
    assert own.any()
    assert aimed.loc[own, "upper"].tolist() == pytest.approx(aimed.loc[own, "l2"].tolist())


def test_a_run_without_trainings_bounds_or_certificates_reaches_its_report(copied):
    config = copied.config
    config["nets"] = {
        "given": {
            "model": {"method": "mlp", "hidden": []},
            "weights": str(copied.results / "nets/linear.s0/weights.safetensors"),
        }
    }
    config.update(run="given", certificates={}, figures={})
    config["experiments"]["both"].update(sources=["given"], victims=["given"])
    ended = copied.run()
    assert ended.returncode == 0, ended.stdout
    page = (copied.results / "report.html").read_text("utf-8")
    assert "No rows: this run has no results of this kind" in page
