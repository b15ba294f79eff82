import os
import subprocess
import sys

import pytest
import torch

from blindspots import devices
from blindspots.devices import pick, take, visible
from blindspots.interface import InputError
from blindspots.jobs.warm import imported
from tests.conftest import ROOT


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(no_gpu):
    with pytest.raises(InputError, match=r"machine\.device: expected a GPU for 'cuda', found none"):
        pick("cuda")


def test_auto_computes_on_the_cpu_where_there_is_none_and_says_so(no_gpu, capsys):
    assert pick("auto") == torch.device("cpu")
    assert "no GPU found" in capsys.readouterr().err
    assert pick("cpu") == torch.device("cpu")
    assert capsys.readouterr().err == ""


@pytest.fixture
def three_gpus(monkeypatch, tmp_path):
    """Three GPUs that cannot compute; the list has those that are chosen."""
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(devices, "_taken", [])
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return chosen


def test_each_job_takes_a_gpu_of_its_own_and_keeps_it(three_gpus, monkeypatch):
    for place in range(3):
        assert pick("auto") == pick("cuda") == torch.device("cuda", place)
        ((taken, lock),) = devices._taken
        assert taken == place and os.fstat(lock)  # open as long as the process lives
        monkeypatch.setattr(devices, "_taken", [])  # as another process has it
    assert three_gpus == [0, 0, 1, 1, 2, 2]
    assert pick("cpu") == torch.device("cpu")
    assert devices._taken == []


def test_where_all_are_taken_they_are_shared(three_gpus, monkeypatch):
    kept = [take(visible(3)) for _ in range(3)]
    assert [place for place, _ in kept] == [0, 1, 2]
    monkeypatch.setattr(os, "getpid", lambda: 3 * 1000 + 1)
    assert take(visible(3)) == (1, None)


def test_the_gpu_of_a_job_that_has_ended_is_free_again(tmp_path):
    held = """
import sys
from blindspots.devices import take
place, lock = take(["a", "b"], sys.argv[1])
print(place, flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", held, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == "0\n"
        place, lock = take(["a", "b"], tmp_path)
        assert place == 1
        os.close(lock)
        other.kill()  # not even then does it keep the lock
        other.wait()
        place, lock = take(["a", "b"], tmp_path)
        assert place == 0
        os.close(lock)


def test_a_schedulers_choice_of_gpus_is_kept_and_told_from_others(three_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert visible(1) == ["2"]
    place, lock = take(visible(1))
    assert place == 0  # of those that the process sees
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    others = [take(visible(3)) for _ in range(2)]
    assert [place for place, _ in others] == [0, 1]
    os.close(lock)
    last = take(visible(3))
    assert last[0] == 2


def test_what_jobs_are_forks_of_has_not_asked_for_a_gpu():
    """CUDA that has been initialised cannot be used in a fork."""
    scripts = sorted((ROOT / "scripts").glob("*.py"))
    modules = sorted({name for script in scripts for name in imported(script)})
    code = f"""
import importlib, torch

def asked(*given):
    raise AssertionError("asked for a GPU")

for name in ("_cuda_init", "_cuda_getDeviceCount", "_cuda_setDevice"):
    setattr(torch._C, name, asked)
for name in [*{modules!r}, "blindspots.jobs.late"]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:  # a name in a module
        pass
assert not torch.cuda.is_initialized()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
