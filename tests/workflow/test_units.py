"""Units against directions, from the config to the report."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from blindspots import tables
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
        rows = pd.read_parquet(finished_units.results / f"units/small/relu.s{seed}.parquet")
        assert set(rows["trained"]) == {True, False}
        assert set(rows["seed"]) == {seed}
        assert dict(zip(rows["layer"], rows["place"], strict=True)) == {
            "1": "before", "2": "after", "3": "neither",
        }  # fmt: skip
        features = rows[(rows["measure"] == "features") & (rows["arm"] == "random")]
        assert features["value"].notna().all()
        lost = rows[rows["measure"] == "accuracy"]
        assert lost[lost["trained"]]["value"].max() > 0
    pictures = tables.read(finished_units.results / "unit_pictures/small/relu.s0.parquet")
    assert tables.images(pictures).shape[1:] == (1, 8, 8)


def test_margins_rejudge_and_rotations_measure_again(finished_units):
    config = finished_units.config
    units = config["units"]["small"]
    before = units["rotations"]
    try:
        units["margins"]["auc"] = 0.3
        assert finished_units.jobs() == {"table": 1, "report": 1, "all": 1}
        units["rotations"] = 5
        assert finished_units.jobs()["units"] == 2
        assert "train" not in finished_units.jobs()
    finally:
        units["rotations"], units["margins"]["auc"] = before, 0.1


def test_a_layer_that_is_not_there_ends_the_run_in_one_line(finished_units):
    units = finished_units.config["units"]["small"]
    try:
        units["layers"] = ["fc7"]
        ended = finished_units.run("results/units/units/small/relu.s0.parquet")
    finally:
        units["layers"] = "all"
    assert ended.returncode != 0
    assert "layers: expected layers of this network (0, 1, 2, 3), found 'fc7'" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_more_images_than_the_part_has_are_named_before_any_training(workflow):
    workflow.config["units"] = {"small": {"nets": ["linear"], "n": 500}}
    ended = workflow.run()
    assert "units.small.n: expected at most 360, the images in part 'test'" in ended.stdout
    assert not (workflow.results / "nets").exists()


def test_a_config_without_units_has_no_such_job(workflow):
    assert "units" not in workflow.jobs()
