"""A changed config gives the same bytes over finished results as from nothing."""

import copy
import os
import re
import shutil

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindspots.config.check import check
from blindspots.files import tables
from blindspots.provenance import settings_in
from tests.configs import ROOT, SCHEMA
from tests.workflow.mutations import BASES, MUTATIONS, files, keys
from tests.workflow.warm import Warm

TIMES = re.compile(r"Tables last made [^;]*;")
"""The report's text on when it was made."""


class Runs:
    """Configs in folders of their own, run by warm processes; each base runs once."""

    def __init__(self, folder):
        self.folder, self.warm, self.count = folder, [Warm(ROOT), Warm(ROOT)], 0

    def new(self, config):
        """Create a folder with a config and the files that it reads."""
        self.count += 1
        folder = self.folder / f"run {self.count}"
        folder.mkdir()
        files(folder)
        return self.given(folder, config)

    def given(self, folder, config):
        (folder / "my.yaml").write_text(yaml.safe_dump(config), "utf-8")
        return folder

    def finished(self, base):
        """Return the folder of a base's finished run, and its config."""
        folder = self.folder / base
        config = yaml.safe_load((BASES / f"{base}.yaml").read_text("utf-8"))
        if not folder.exists():
            self.run(self.new(config)).rename(folder)
        return folder, config

    def copied(self, base):
        """Return a copy of it that a test may change."""
        folder, config = self.finished(base)
        self.count += 1
        copied = self.folder / f"run {self.count}"
        shutil.copytree(folder, copied)  # with its times
        return copied, config

    def run(self, *folders, more=()):
        """Run configs in one folder, or in two at the same time, and return the first result."""
        for warm, folder in zip(self.warm, folders, strict=False):
            warm.begin(
                folder, folder / "output.txt", "--snakefile", ROOT / "Snakefile",
                "--configfile", "my.yaml", "--cores", "1", *more,
            )  # fmt: skip
        ends = [warm.end() for warm, _ in zip(self.warm, folders, strict=False)]
        for end, folder in zip(ends, folders, strict=True):
            assert end == 0, (folder / "output.txt").read_text("utf-8")
        return folders[0]

    def planned(self, folder):
        """Return the jobs of a dry run, by their outputs."""
        text = self.run(folder, more=["--dry-run"]).joinpath("output.txt").read_text("utf-8")
        return sorted(re.findall(r"^    output: (.*)", text, re.M))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    made = Runs(tmp_path_factory.mktemp("mutations"))
    yield made
    for warm in made.warm:
        warm.close()


def made(folder, run):
    """Return a run's files by path, without times."""
    found = {}
    for top in (folder / "results" / run, folder / "resources"):
        for path in top.rglob("*"):
            if path.name == "history.parquet":
                found[path.relative_to(folder)] = tables.read(path).drop(["seconds"])
            elif path.name == "report.html":
                found[path.relative_to(folder)] = TIMES.sub("", path.read_text("utf-8"))
            elif path.is_file():
                found[path.relative_to(folder)] = path.read_bytes()
    return found


def assert_as_from_nothing(runs, folder, config, timed=()):
    """Check that a run leaves the files of a run from nothing, except figures of times."""
    expected = runs.new(config)
    runs.run(folder, expected)
    there = made(folder, config["run"])
    for path, content in made(expected, config["run"]).items():
        assert path in there, f"{path} is missing"
        if path.suffix in (".svg", ".html", ".parquet"):
            assert settings_in(folder / path) == settings_in(expected / path), f"{path} is stale"
        assert path.stem in timed or there[path] == content, f"{path} differs"
    shutil.rmtree(expected)


def named(mutation):
    return f"{mutation.base}-{'.'.join(map(str, mutation.where))}"


def test_every_key_of_the_schema_is_changed_by_a_mutation():
    assert {mutation.key for mutation in MUTATIONS} == keys(SCHEMA)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with the files that the configs name."""
    folder = tmp_path_factory.mktemp("inputs")
    files(folder)
    return folder


@pytest.mark.parametrize("mutation", MUTATIONS, ids=named)
def test_a_mutated_config_is_valid(inputs, monkeypatch, mutation):
    monkeypatch.chdir(inputs)
    monkeypatch.syspath_prepend(inputs)
    config = yaml.safe_load((BASES / f"{mutation.base}.yaml").read_text("utf-8"))
    mutation.applied(config)
    check(config, SCHEMA)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=named)
def test_a_changed_key_gives_what_it_gives_from_nothing(runs, mutation):
    folder, config = runs.copied(mutation.base)
    before = {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*.parquet")}
    changed = copy.deepcopy(config)
    mutation.applied(changed)
    planned = runs.planned(runs.given(folder, changed))
    if mutation.key.startswith("machine"):
        assert planned == []
    shutil.move(folder / ".snakemake", folder / "records")
    assert runs.planned(folder) == planned  # by what the results say of themselves
    shutil.rmtree(folder / ".snakemake")
    shutil.move(folder / "records", folder / ".snakemake")
    if mutation.key.startswith("machine"):
        runs.run(folder)
        assert before == {path: path.stat().st_mtime_ns for path in before}
        return
    assert_as_from_nothing(
        runs, folder, changed, ("learning", "report") * ("axis" in named(mutation))
    )
    assert runs.planned(folder) == []
    shutil.rmtree(folder)


CHEAP = [m for m in MUTATIONS if m.base != "attacks" and "axis" not in m.where]


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(CHEAP), min_size=1, max_size=2), recorded=st.booleans())
def test_changes_in_turn_give_what_the_last_config_gives_from_nothing(runs, steps, recorded):
    folder, config = runs.copied(steps[0].base)
    for mutation in (step for step in steps if step.base == steps[0].base):
        before = copy.deepcopy(config)
        try:
            mutation.applied(config)
        except (KeyError, TypeError):  # what an earlier one took away
            config = before
        if not recorded:
            shutil.rmtree(folder / ".snakemake")
        runs.run(runs.given(folder, config))
    assert_as_from_nothing(runs, folder, config)
    shutil.rmtree(folder)


def older(path):
    """Set a file's time before that of every result."""
    os.utime(path, (1, 1))


@pytest.mark.parametrize(
    ("base", "old", "new", "first"),
    [
        ("pictures", "pictures/a/0.png", "pictures/b/1.png", "resources/mine/train.parquet"),
        ("attacks", "data.npz", "other.npz", "resources/npz-"),
        ("attacks", "w1.pth", "w2.pth", "results/tiny/nets/given.s0/weights.safetensors"),
        ("attacks", "printed.yaml", "reprinted.yaml", "results/tiny/tables/errors.parquet"),
    ],
)
def test_a_file_of_other_content_is_read_again_whatever_its_time(runs, base, old, new, first):
    folder, _ = runs.copied(base)
    assert runs.planned(folder) == []
    os.utime(folder / old)  # touched, but equal
    assert runs.planned(folder) == []
    shutil.copy(folder / new, folder / old)
    older(folder / old)
    assert any(made.startswith(first) for made in runs.planned(folder))
    shutil.rmtree(folder / ".snakemake")
    assert any(made.startswith(first) for made in runs.planned(folder))


OWN = """
from pathlib import Path
import matplotlib.pyplot as plt, pandas as pd, torch
from blindspots import families
from blindspots.attacks.sphere import sphere
from blindspots.interface import CertificateResult, Status

def number(file):
    return float(Path(file).read_text())

def certificate(model, images, labels, *, file):
    radius = torch.full(labels.shape, number(file), dtype=torch.float64)
    return CertificateResult(radius, torch.full_like(labels, Status.CONVERGED))

@families.control
def control(model, images, labels, targets, *, file):
    return sphere(model, images, labels, distortion=number(file))

def table(clean, *, file):
    cell = {"row": "a", "column": "b", "value": number(file), "unit": "percent", "n": 1}
    return pd.DataFrame([cell])

def rows(attacks):
    cell = {"row": "a", "column": "b", "value": len(attacks), "unit": "images", "n": 1}
    return pd.DataFrame([cell])

def net(shape, classes, *, file):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, int(1 + 1e4 * number(file))))

def figure(clean, *, file):
    drawn, axes = plt.subplots()
    axes.plot([0, number(file)])
    return drawn
"""


def test_a_file_that_a_setting_of_a_users_method_names_counts_by_its_content(runs):
    config = yaml.safe_load((BASES / "pictures.yaml").read_text("utf-8"))
    made_by = {
        "certificates": "certificates/own/linear.s0.parquet",
        "attacks": "measurements/transfer/one/transfer.parquet",
        "tables": "tables/own.parquet", "figures": "figures/own.svg",
    }  # fmt: skip
    for section, kind in zip(made_by, ("certificate", "control", "table", "figure"), strict=True):
        config[section]["own"] = {"method": f"own:{kind}", "file": f"{kind}.txt"}
    made_by["measurements"] = "measurements/own/operators.parquet"
    model = {"method": "own:net", "file": "operator.txt"}
    own = {"method": "operators", "model": model, "shape": [1, 4, 4], "classes": 3}
    config["measurements"] = {"own": own}
    config["tables"]["norms"] = {"method": "operators", "measurement": "own"}
    config["experiments"]["one"]["controls"] = ["own"]
    for section in ("tables", "figures"):
        config[section]["own"]["experiment"] = "one"
    folder = runs.new(config)
    (folder / "own.py").write_text(OWN, "utf-8")
    named = {section: config[section]["own"] for section in made_by} | {"measurements": model}
    for own in named.values():
        (folder / own["file"]).write_text("0.0001", "utf-8")
    runs.run(folder)
    assert runs.planned(folder) == []
    for section, made in made_by.items():
        file = folder / named[section]["file"]
        file.write_text("0.0002", "utf-8")
        planned = runs.planned(folder)
        assert any(f"results/tiny/{made}" in outputs for outputs in planned), section
        assert not any("weights" in outputs for outputs in planned)
        file.write_text("0.0001", "utf-8")


def test_a_table_of_several_experiments_reads_all_images_of_each(runs):
    config = yaml.safe_load((BASES / "pictures.yaml").read_text("utf-8"))
    config["attacks"]["other"] = config["attacks"]["near"] | {"steps": 3}
    config["experiments"]["two"] = config["experiments"]["one"] | {"attack": "other", "n": 7}
    config["experiments"]["more"] = config["experiments"]["one"] | {"n": 6}  # of the same attack
    config["tables"]["own"] = {
        "method": "own:rows", "experiment": "one", "more_experiments": ["two"],
    }  # fmt: skip
    folder = runs.new(config)
    (folder / "own.py").write_text(OWN, "utf-8")
    runs.run(folder)
    (made,) = tables.read(folder / "results/tiny/tables/own.parquet")["value"].to_pylist()
    assert made == 4 + 7


def test_older_results_that_were_put_back_are_made_again(runs):
    folder, config = runs.copied("pictures")
    results = folder / "results/tiny"
    older = folder / "older"
    shutil.copytree(results, older)
    config["nets"]["linear"]["trainer"]["decay"] = 0.1
    runs.run(runs.given(folder, config))
    shutil.rmtree(results)
    older.rename(results)
    planned = runs.planned(folder)
    assert any("nets/linear.s0/weights" in outputs for outputs in planned)
    assert_as_from_nothing(runs, folder, config)
    assert runs.planned(folder) == []


def test_tables_in_another_order_are_a_changed_config_without_records_too(runs):
    folder, config = runs.copied("pictures")
    config["tables"] = {"sizes": config["tables"]["errors"] | {"title": "Sizes"}} | config["tables"]
    runs.run(runs.given(folder, config))
    shutil.rmtree(folder / ".snakemake")
    assert runs.planned(folder) == []
    config["tables"] = dict(sorted(config["tables"].items(), reverse=True))
    (folder / "my.yaml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    assert runs.planned(folder) == ["results/tiny/report.html"]


def test_a_shard_that_a_killed_run_of_other_settings_left_is_made_again(runs):
    folder, config = runs.copied("pictures")
    attacks = folder / "results/tiny/attacks/near/linear.s0/mine"
    (attacks / "test.parquet").rename(attacks / "test.0-2.parquet")  # of four rows
    shutil.rmtree(folder / ".snakemake")
    config["machine"] |= {"chunk": 2, "shards": 2}
    config["attacks"]["near"]["steps"] = 2
    runs.run(runs.given(folder, config))
    assert tables.read(attacks / "test.parquet").num_rows == 4


def test_a_report_alone_says_which_results_are_of_another_config(runs):
    folder, config = runs.copied("pictures")
    config["splits"]["p1"] = 0.3
    page = folder / "results/tiny/report.html"
    assert "Some results are of another config" not in page.read_text("utf-8")
    alone = ["--allowed-rules", "report", "--", str(page.relative_to(folder))]
    runs.run(runs.given(folder, config), more=alone)
    assert "Some results are of another config" in page.read_text("utf-8")
    assert "results/tiny/tables/errors.parquet" in page.read_text("utf-8")
    runs.run(folder)
    assert "Some results are of another config" not in page.read_text("utf-8")


def test_braces_brackets_and_spaces_in_the_paths_of_data_and_weights_are_part_of_their_names(runs):
    folder, config = runs.copied("attacks")
    for file, place in (("data.npz", "runs/{small} [old]"), ("w1.pth", "of {net}/{{w}} [1]")):
        (folder / place).mkdir(parents=True)
        shutil.move(folder / file, folder / place / file)
    config["data"]["file"] = "runs/{small} [old]/data.npz"
    config["nets"]["given"]["weights"] = "of {net}/{{w}} [1]/w1.pth"
    before = {path.name: path.read_bytes() for path in folder.glob("results/tiny/tables/*")}
    runs.run(runs.given(folder, config))
    after = {path.name: tables.read(path) for path in folder.glob("results/tiny/tables/*")}
    assert after.keys() == before.keys()
    for name, table in after.items():  # the same images and weights, by other names
        (folder / "before.parquet").write_bytes(before[name])
        assert table.equals(tables.read(folder / "before.parquet")), name
    shutil.rmtree(folder)
