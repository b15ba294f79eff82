"""Units against directions, from the config to the report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from blindspots.files import tables
from blindspots.models.alexnet import alexnet
from tests.conftest import ROOT
from tests.workflow.conftest import Workflow


@pytest.fixture(scope="module")
def finished_units(tmp_path_factory):
    workflow = Workflow(tmp_path_factory.mktemp("units"))
    workflow.config = yaml.safe_load(Path(__file__).with_name("units.yaml").read_text("utf-8"))
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    return workflow


def test_a_run_without_experiments_reaches_its_report_with_every_table(finished_units):
    page = (finished_units.results / "report.html").read_text("utf-8")
    for name in finished_units.config["tables"]:
        assert f'id="table-{name}"' in page
    for name in finished_units.config["figures"]:
        assert f'id="figure-{name}"' in page
    assert not (finished_units.results / "ledger.parquet").exists()


def test_trained_and_untrained_nets_of_every_seed_are_measured(finished_units):
    for seed in (0, 1):
        rows = pd.read_parquet(
            finished_units.results / f"measurements/small/relu.s{seed}/units.parquet"
        )
        assert set(rows["trained"]) == {True, False}
        assert set(rows["seed"]) == {seed}
        assert dict(zip(rows["layer"], rows["place"], strict=True)) == {
            "1": "before", "2": "after", "3": "neither",
        }  # fmt: skip
        features = rows[(rows["measure"] == "features") & (rows["arm"] == "random")]
        assert features["value"].notna().all()
        lost = rows[rows["measure"] == "accuracy"]
        assert lost[lost["trained"]]["value"].max() > 0
    pictures = tables.read(
        finished_units.results / "measurements/small/relu.s0/unit_pictures.parquet"
    )
    assert tables.images(pictures).shape[1:] == (1, 8, 8)


def test_margins_rejudge_and_rotations_measure_again(finished_units):
    config = finished_units.config
    units = config["measurements"]["small"]
    margins = config["tables"]["verdicts"]["margins"]
    before = units["rotations"]
    try:
        margins["auc"] = 0.3
        assert finished_units.jobs() == {"table": 1, "report": 1, "all": 1}
        units["rotations"] = 1000
        assert finished_units.jobs()["measure_small"] == 2
        assert "train" not in finished_units.jobs()
    finally:
        units["rotations"], margins["auc"] = before, 0.1


def test_too_few_rotations_for_corrected_p_values_are_named_before_anything_runs(finished_units):
    units = finished_units.config["measurements"]["small"]
    try:
        units["rotations"] = 998
        ended = finished_units.run()
    finally:
        units["rotations"] = 999
    assert ended.returncode != 0 and "Traceback" not in ended.stdout
    expected = "measurements.small.rotations: expected at least 999 for tables.verdicts, found 998"
    assert expected in ended.stdout


def test_a_layer_that_is_not_there_ends_the_run_in_one_line(finished_units):
    units = finished_units.config["measurements"]["small"]
    try:
        units["layers"] = ["fc7"]
        ended = finished_units.run("results/units/measurements/small/relu.s0/units.parquet")
    finally:
        units["layers"] = "all"
    assert ended.returncode != 0
    assert "layers: expected layers of this network (0, 1, 2, 3), found 'fc7'" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_more_images_than_the_part_has_are_named_before_any_training(workflow):
    workflow.config["measurements"] = {"small": {"method": "units", "nets": ["linear"], "n": 500}}
    ended = workflow.run()
    assert "measurements.small.n: expected at most 360, the images in part 'test'" in ended.stdout
    assert not (workflow.results / "nets").exists()


def test_a_config_without_units_has_no_such_job(workflow):
    assert "measure_small" not in workflow.jobs()


@pytest.mark.slow
def test_fc7_of_alexnet_is_measured_on_images_of_a_folder(workflow):
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        folder = workflow.folder / "images" / name
        folder.mkdir(parents=True)
        for i in range(20):
            Image.fromarray(rng.integers(0, 256, (70, 80, 3), np.uint8)).save(folder / f"{i}.png")
    torch.save(alexnet((3, 64, 64), 1000).state_dict(), workflow.folder / "alexnet.pth")
    workflow.config = yaml.safe_load(
        (ROOT / "papers/szegedy2013/units-alexnet.yaml").read_text("utf-8")
    )
    workflow.config["data"]["size"] = 64
    workflow.config["measurements"]["fc7"] |= {"n": 15, "k": 3, "directions": 8, "rotations": 3}
    workflow.config["tables"]["rotation-p"]["correct"] = False
    ended = workflow.run()
    assert ended.returncode == 0, ended.stdout
    rows = pd.read_parquet(workflow.results / "measurements/fc7/AlexNet.s0/units.parquet")
    assert dict(zip(rows["layer"], rows["place"], strict=True)) == {
        "classifier.4": "before", "classifier.5": "after",
    }  # fmt: skip
    assert set(rows["trained"]) == {True, False}
    assert (rows["n"] == 15).all()
    lost = rows[rows["measure"] == "accuracy"]  # random weights have not learned a class
    assert lost["value"].isna().all()
    assert lost["reason"].notna().all()
