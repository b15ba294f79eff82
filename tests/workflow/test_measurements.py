"""A user's measurement, certificate and analysis, in one file outside the package."""

import re

import pandas as pd
import pytest

from blindspots.files import tables
from blindspots.jobs import resources

OWN = """
import pandas as pd
import torch
from blindspots.certificates.contract import certificate
from blindspots.interface import CertificateResult, Status
from blindspots.measurements.contract import measurement


@measurement(
    "net", tables=("brightness", "answers"), memory=lambda n, pixels, classes, chunk: 3000,
    rows=lambda images, settings: images * settings["scale"],
)
def by_label(model, data, *, scale: float = 1.0):
    with torch.no_grad():
        given = model(data.images).argmax(dim=1)
    bright = pd.DataFrame({"label": data.labels, "value": data.images.flatten(1).mean(1) * scale})
    return {"brightness": bright, "answers": pd.DataFrame({"answer": given})}


@measurement(
    "experiment", tables=("steps",),
    rows=lambda images, settings: images * len(settings["distortions"]),
)
def at_each(experiment, attacked, victims, *, distortions: list[float]):
    return pd.DataFrame({"distortion": distortions})


@measurement("run", tables=("pairs",), rows=lambda images, settings: images * settings["scale"])
def of_all(nets, *, scale: int):
    return pd.DataFrame({"pair": range(scale)})


@measurement("net", tables=("witnesses",), rows=lambda images, settings: 5 * images)
def nearer(model, data): ...


@certificate(norm="linf", box=True)
def nothing(model, images, labels, *, eps: float):
    radius = torch.zeros(len(images), dtype=torch.float64)
    status = torch.full((len(images),), Status.TIMED_OUT)
    return CertificateResult(radius * torch.nan, status, ["limit of work"] * len(images))


def table(brightness, answers):
    rows = brightness.groupby(["net", "label"])["value"].mean().reset_index()
    rows = rows.rename(columns={"net": "row", "label": "column"})
    return rows.assign(column=rows["column"].astype(str), unit="", text="", n=len(answers))


def steps(steps): ...
def pairs(pairs): ...
def witnesses(witnesses): ...
"""


def test_a_measurement_of_two_tables_is_read_by_a_users_analysis(workflow):
    (workflow.folder / "own.py").write_text(OWN, "utf-8")
    config = workflow.config
    config["measurements"] = {"own": {"method": "own:by_label", "n": 30, "scale": 2}}
    config["certificates"] = {"none": {"method": "own:nothing", "eps": 0.1}}
    config["tables"] = {"own": {"method": "own:table", "measurement": "own"}}
    config["tables"]["same"] = {"method": "own:table", "experiment": "both"}
    config["figures"] = {}
    ended = workflow.run("results/small/tables/own.parquet", "results/small/tables/same.parquet")
    assert ended.returncode == 0, ended.stdout
    rows = pd.read_parquet(workflow.results / "measurements/own/linear.s0/brightness.parquet")
    assert len(rows) == 30 and set(rows["net"]) == {"linear"} and set(rows["seed"]) == {0}
    own, same = (tables.read(workflow.results / f"tables/{n}.parquet") for n in ("own", "same"))
    assert set(own["row"].to_pylist()) == {"linear", "coded"} and own.equals(same)
    ended = workflow.run("results/small/certificates/none/linear.s0.parquet")
    assert ended.returncode == 0, ended.stdout
    table = tables.read(workflow.results / "certificates/none/linear.s0.parquet")
    found = {name: set(table[name].to_pylist()) for name in table.column_names}
    assert (found["norm"], found["eps"], found["box"]) == ({"linf"}, {0.1}, {True})
    assert (found["status"], found["radius"]) == ({"TIMED_OUT"}, {None})
    assert found["reason"] == {"limit of work"}


def test_a_table_declares_the_memory_and_the_time_of_the_rows_of_its_measurement(workflow):
    config = workflow.config
    config["experiments"]["both"] |= {"n": 1000, "distortions": [0.1, 0.2, 0.3]}
    config["experiments"]["one"] = config["experiments"]["both"] | {"distortions": [0.1]}
    config["measurements"] = {
        "around": {"method": "pockets", "multiples": [1, 2, 4], "experiments": ["both"]},
        "shown": {"method": "transfer", "experiments": ["both"]},
        "own": {"method": "own:by_label", "n": 1000, "scale": 4},
        "each": {"method": "own:at_each"},
        "all": {"method": "own:of_all", "scale": 2000},
        "nearer": {"method": "own:nearer", "n": 1000},
    }
    config["tables"] = {
        f"{method.removeprefix('own:')}-{subject}": {"method": method, subject: name}
        for method, entry in (
            ("pockets", "around"),
            ("transfer", "shown"),
            ("own:table", "own"),
            ("own:steps", "each"),
            ("own:pairs", "all"),
        )
        for subject, name in (("experiment", "both"), ("measurement", entry))
    }
    config["tables"] |= {
        f"witnesses-{name}": {"method": "own:witnesses", "measurement": name}
        for name in ("shown", "nearer")
    }
    config["figures"] = {}
    (workflow.folder / "own.py").write_text(OWN, "utf-8")
    said = workflow.run("--dry-run").stdout
    found = {
        name: tuple(int(re.search(rf"{key}=(\d+)", line)[1]) for key in ("mem_mb", "runtime"))
        for name, line in re.findall(r"table=([\w-]+)\n(.*)", said)
    }
    rows = {
        "pockets": 2 * 1000 * 3,  # nets, images, multiples
        "table": 2 * (2 * 1000 * 4),  # tables, nets, images, scale
        "steps": 2 * 1000 * 3,  # nets, images, distortions
        "pairs": 2 * 2000,  # nets, scale
    }
    rows = {f"{name}-{of}": n for name, n in rows.items() for of in ("experiment", "measurement")}
    rows["steps-measurement"] += 2 * 1000 * 1  # those of the other experiment
    rows |= {"witnesses-shown": 2 * 1000, "witnesses-nearer": 2 * 1000 * 5}  # nets, images, each
    megabytes = {name: n // 1000 for name, n in rows.items()}  # of 1000 bytes each
    answers = (2 * 1000 * 2 + 1000) * 2  # nets, images, amplified or not; noise; victims
    of_a_part = resources.by_analysis({"transfer": answers}, ["transfer"], 2)
    for of in ("experiment", "measurement"):
        rows[f"transfer-{of}"], megabytes[f"transfer-{of}"] = answers, of_a_part // 10**6
    assert found == {
        name: (2500 + megabytes[name], 10 + resources.minutes(n)) for name, n in rows.items()
    }


def test_the_ledger_declares_the_memory_of_the_one_source_that_is_attacked(workflow):
    workflow.config["experiments"]["both"] |= {"n": 1000, "sources": ["linear"]}
    said = workflow.run("--dry-run").stdout
    (need,) = re.findall(r"rule ledger:.*?mem_mb=(\d+)", said, re.S)
    assert (
        int(need)
        == 2000 + resources.by_ledger(1000, 1) // 10**6
        > 2000 + resources.by_ledger(1000, 2) // 10**6
    )


def test_an_added_certificate_computes_no_other(copied):
    copied.config["certificates"]["near"] = {"method": "local", "n": 3}
    jobs = copied.jobs()
    assert jobs["certify"] == 2  # of the two nets, none by the product
    assert not jobs.keys() & {"train", "attack", "measure_transfer", "measure_layers"}


def test_a_measurement_of_an_experiment_reads_the_training_part_of_its_dataset(workflow):
    config = workflow.config
    config["tables"] = {"closeness": {"method": "closeness", "experiment": "both"}}
    config["figures"] = {}
    ended = workflow.run("results/small/tables/closeness.parquet")
    assert ended.returncode == 0, ended.stdout
    folder = workflow.results / "measurements/neighbours/both"
    near = pd.read_parquet(folder / "neighbours.parquet")
    split = tables.read(workflow.results / "splits/digits.s0.parquet").to_pandas()
    prepared = (workflow.folder / f"resources/digits/{file}.parquet" for file in ("train", "test"))
    train, test = (tables.images(tables.read(path)).reshape(-1, 64) for path in prepared)
    known = split[(split["file"] == "train") & split["subset"].isin(["P1", "P2", "rest"])]
    assert len(known) < len(train)
    for (index, label), rows in near.groupby(["index", "label"]):
        assert sorted([*rows["other"], label]) == [*range(10)]
        for row in rows.itertuples():
            of_class = known.loc[known["label"] == row.other, "index"]
            apart = ((train[of_class].astype(float) - test[index]) ** 2).mean(axis=1) ** 0.5
            assert row.distance == pytest.approx(apart.min())
            assert row.neighbour == of_class[apart == apart.min()].min()  # sixteenths are exact
    made = pd.read_parquet(workflow.results / "tables/closeness.parquet")
    assert {*made["row"]} == {"linear", "coded"}
