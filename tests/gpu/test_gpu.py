"""Results on a GPU equal those on the CPU; `make test-gpu` runs these tests."""

import pytest
import torch

from benchmarks import gpu
from blindspots.devices import pick
from tests.workflow.conftest import Workflow


@pytest.mark.gpu
def test_a_gpu_answers_attacks_and_trains_as_the_cpu_does_within_the_tolerances():
    found = list(gpu.compare(pick("cuda"), shown=64, many=512))
    assert [row for row in found if isinstance(row, gpu.Agreement) and not row.holds] == []


@pytest.mark.gpu
def test_a_run_on_a_gpu_passes_its_audit_and_repeats_itself(tmp_path):
    made = []
    for name in ("one", "two"):
        workflow = Workflow(tmp_path / name)
        workflow.config["machine"]["device"] = "cuda"
        ended = workflow.run()
        assert ended.returncode == 0, ended.stdout
        made.append(workflow.tables())
    assert made[0] == made[1]


def test_what_is_compared_with_itself_agrees_and_every_figure_is_on_the_page(monkeypatch):
    monkeypatch.setattr(gpu, "NETS", {"linear": ("mlp", {"hidden": []})})
    found = list(gpu.compare(torch.device("cpu"), shown=16, many=32))
    agreements = [row for row in found if isinstance(row, gpu.Agreement)]
    assert len(agreements) == 7 and all(row.difference == 0 for row in agreements)
    speeds = [row for row in found if isinstance(row, gpu.Speed)]
    assert [row.what for row in speeds] == ["training, sgd", "training, lbfgs", "lbfgs", "closest"]
    made = gpu.page([*found, gpu.Agreement("linear", "logits", float("nan"), 1.0)], "none", 0.1)
    assert made.count("| holds |") == 7 and made.count("**does not hold**") == 1
    assert made.count("| linear |") == 12


def test_no_net_is_begun_after_the_time_is_up():
    assert list(gpu.compare(torch.device("cpu"), shown=16, many=32, until=-1.0)) == []


def test_without_a_gpu_one_line_says_so_and_no_page_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(str(tmp_path / "GPU.md")) == 0
    assert capsys.readouterr().out.splitlines() == [gpu.NOTHING]
    assert not list(tmp_path.iterdir())
