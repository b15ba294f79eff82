import pytest
import torch

from blindspots.devices import pick
from blindspots.interface import InputError


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
