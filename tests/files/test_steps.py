"""Weights of several steps in one file."""

import pytest
import torch

from blindspots.files import steps, weights
from blindspots.interface import InputError


def net(seed=0, hidden=(3,)):
    return weights.create("mlp", {"hidden": list(hidden)}, (1, 4, 4), 10, seed=seed)[0]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoints.safetensors"
    steps.save(path, {step: net(seed=step).state_dict() for step in (0, 1, 10)})
    return path


@pytest.mark.parametrize("step", [0, 1, 10])
def test_the_weights_of_each_step_come_back(path, step):
    model = net(seed=99).train()
    steps.load(model, path, step)
    assert not model.training
    for name, tensor in net(seed=step).state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)


def test_equal_weights_give_equal_bytes(path, tmp_path):
    steps.save(tmp_path / "again", {step: net(seed=step).state_dict() for step in (0, 1, 10)})
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_another_step_model_or_byte_is_one_line(path):
    with pytest.raises(InputError, match="expected weights after step 2, found none"):
        steps.load(net(), path, 2)
    with pytest.raises(InputError, match="the weights belong to a model of another shape"):
        steps.load(net(hidden=(4,)), path, 1)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="another SHA-256"):
        steps.load(net(), path, 1)
