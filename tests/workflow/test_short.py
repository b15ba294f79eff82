"""A short config and its full form are the same run: nothing reruns, and the bytes are the same."""

import re

import yaml

from blindspots.commands import _shared
from tests.conftest import ROOT
from tests.workflow.test_mutations import made
from tests.workflow.warm import Warm

SHORT = """
data: digits
splits: {validation: 0.1}
defaults: {model: mlp, trainer: {method: lbfgs, decay: 1e-2, max_iterations: 5}}
nets:
  linear: {model: {hidden: []}}
  half: {model: {hidden: [5]}, train_on: [P1, P2], label: half}
attacks: {closest: {steps: 4, rounds: 1}, gaussian: {std: [0.1, 0.3]}}
groups: {halves: half-*}
experiments:
  both: {n: [6, 8], controls: gaussian, title: all nets}
  some: {n: 6, nets: halves, report: [directions]}
measurements: {pockets: {directions: 4, multiples: [2], clipped: [true, false]}}
machine: {device: cpu}
"""


def test_a_short_config_and_its_full_form_are_the_same_run(tmp_path, monkeypatch):
    folders, runs = [tmp_path / "short", tmp_path / "full"], [Warm(ROOT), Warm(ROOT)]
    for folder in folders:
        folder.mkdir()
        (folder / "mine.yaml").write_text(SHORT, "utf-8")
    monkeypatch.chdir(tmp_path)
    full = _shared.expanded(folders[0] / "mine.yaml")
    assert yaml.safe_load(full)["run"] == "mine"
    (folders[1] / "any.yaml").write_text(full, "utf-8")
    (folders[0] / "any.yaml").write_text(full, "utf-8")

    def run(place, config, *more):
        command = ["--snakefile", ROOT / "Snakefile", "--configfile", config, "--cores", "1"]
        runs[place].begin(folders[place], folders[place] / "output.txt", *command, *more)

    try:
        run(0, "mine.yaml"), run(1, "any.yaml")
        for place, folder in enumerate(folders):
            assert runs[place].end() == 0, (folder / "output.txt").read_text("utf-8")
        run(0, "any.yaml", "--dry-run")
        assert runs[0].end() == 0
    finally:
        for each in runs:
            each.close()
    said = (folders[0] / "output.txt").read_text("utf-8")
    assert re.search("Nothing to be done", said), said
    assert "experiment-some" in (folders[0] / "results/mine/report.html").read_text("utf-8")
    short, full = (made(folder, "mine") for folder in folders)
    assert short.keys() == full.keys()
    for path, content in short.items():
        same = (
            content.equals(full[path]) if path.name == "history.parquet" else content == full[path]
        )
        assert same, path
