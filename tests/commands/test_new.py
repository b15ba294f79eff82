"""Configs that `blindspots new` writes."""

import pytest
import yaml

from blindspots.config import methods
from blindspots.config.check import check
from tests.configs import ROOT, SCHEMA

COMPLETE = {
    "paper": "config.yaml",
    **{name: f"presets/{name}.yaml" for name in ("digits", "start")},
    **{f"szegedy2013/{name}": f"papers/szegedy2013/{name}.yaml"
       for name in ("adversarial", "norms", "units")},
}  # fmt: skip


def written(path):
    return check(yaml.safe_load(path.read_text("utf-8")), SCHEMA, run=path.stem)


def test_a_new_config_is_complete_and_its_run_has_the_files_name(blindspots, tmp_path):
    status, out, error = blindspots("new", "mine.yaml")
    assert (status, error) == (0, "")
    assert "run mine.yaml --dry-run" in out
    found = written(tmp_path / "mine.yaml")
    assert (found["run"], found["datasets"]["digits"]["method"]) == ("mine", "digits")


@pytest.mark.parametrize("name", ["1", "1e5", "null", "yes", "2024-01-01"])
@pytest.mark.parametrize("preset", ["start", "paper"])
def test_a_run_may_be_called_what_yaml_takes_for_something_else(blindspots, tmp_path, name, preset):
    assert blindspots("new", f"{name}.yaml", "--preset", preset)[0] == 0
    assert written(tmp_path / f"{name}.yaml")["run"] == name


@pytest.mark.parametrize("preset", COMPLETE)
def test_a_preset_is_copied_with_its_comments(blindspots, tmp_path, preset):
    assert blindspots("new", "mine.yaml", "--preset", preset)[0] == 0
    source = ROOT / COMPLETE[preset]
    lines = source.read_text("utf-8").splitlines()
    lines = [s for s in lines if not s.startswith(("run:", "claims: "))]
    assert set(lines) <= set((tmp_path / "mine.yaml").read_text("utf-8").splitlines())
    assert written(tmp_path / "mine.yaml")["run"] == "mine"


def test_a_new_root_keeps_the_other_settings_of_a_presets_dataset(blindspots, tmp_path):
    preset = ("--preset", "szegedy2013/units-alexnet")
    assert blindspots("new", "mine.yaml", *preset, "--root", "pics")[0] == 0
    text = (tmp_path / "mine.yaml").read_text("utf-8")
    data = {"method": "folder", "root": "pics", "size": 224, "test_share": 0.5}
    assert yaml.safe_load(text)["data"] == data
    assert text.count("test_share") == text.count("size: ") == 1  # not as comments, too


def test_a_papers_claims_are_left_out_of_a_copy_whose_run_has_another_name(blindspots, tmp_path):
    claims = "claims: papers/szegedy2013/claims.yaml"
    for name, line in (("units", claims), ("mine", f"# {claims}  # judged by the paper's own ")):
        assert blindspots("new", f"{name}.yaml", "--preset", "szegedy2013/units")[0] == 0
        text = (tmp_path / f"{name}.yaml").read_text("utf-8")
        assert any(each.startswith(line) for each in text.splitlines())
        assert (written(tmp_path / f"{name}.yaml")["claims"] is None) == (name == "mine")


@pytest.mark.parametrize("dataset", methods.names("datasets"))
def test_a_new_config_of_a_dataset_names_all_its_settings(blindspots, tmp_path, dataset):
    known, required = methods.settings("datasets", dataset)
    root = ["--root", "pict\U0001f4f7 ures"] if "root" in known else []
    assert blindspots("new", "mine.yaml", "--dataset", dataset, *root)[0] == 0
    text = (tmp_path / "mine.yaml").read_text("utf-8")
    data = yaml.safe_load(text)["data"]
    assert data["method"] == dataset
    assert data.get("root") == (root[1] if root else None)
    assert required - {"root"} <= data.keys()
    uncommented = yaml.safe_load(text.replace("\n  # ", "\n  "))["data"]
    assert known | {"method"} == uncommented.keys()


def test_a_new_config_takes_a_dataset_of_the_users_own(blindspots, tmp_path):
    (tmp_path / "lab.py").write_text("def images(*, root, size=3, kind='a b'):\n    pass\n")
    assert blindspots("new", "mine.yaml", "--dataset", "lab:images", "--root", "x")[0] == 0
    (dataset,) = written(tmp_path / "mine.yaml")["datasets"].values()
    assert dataset["root"] == "x"
    assert '\n  # size: 3\n  # kind: "a b"\n' in (tmp_path / "mine.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["there.yaml"], "there.yaml: expected no such file, found one; --force writes over it"),
        (["a b.yaml"], "a b.yaml: expected letters, digits, '.', '_' or '-', a letter or digit"),
        (["a" * 20 + ".yaml"], "aaa.yaml: expected a name without an end repeated twenty times"),
        (["no/my.yaml"], "no/my.yaml: expected a file that can be written"),
        (["my.yaml", "--preset", "digts"], "found 'digts'; did you mean 'digits'?"),
        (["my.yaml", "--preset", "claims"], "--preset: expected one of paper, "),
        (["my.yaml", "--dataset", "mnst"], "--dataset: expected one of digits, "),
        (["my.yaml", "--dataset", "digits", "--root", "x"], "--root: expected none for digits"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_line(blindspots, tmp_path, arguments, message):
    (tmp_path / "there.yaml").write_text("mine")
    status, _, error = blindspots("new", *arguments)
    assert status == 1
    assert message in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.yaml"]
    assert (tmp_path / "there.yaml").read_text() == "mine"


def test_force_writes_over_a_file(blindspots, tmp_path):
    (tmp_path / "there.yaml").write_text("mine")
    assert blindspots("new", "there.yaml", "--force")[0] == 0
    assert written(tmp_path / "there.yaml")["run"] == "there"
