"""Weights of several steps in one file."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from blindspots.files import _tensors, steps, weights
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
    with pytest.raises(InputError, match=r"expected weights after step 2 and .*, found none"):
        steps.load(net(), path, 2)
    with pytest.raises(InputError, match="the weights belong to a model of another shape"):
        steps.load(net(hidden=(4,)), path, 1)
    content = bytearray(path.read_bytes())
    weight = net(seed=1).state_dict()["1.weight"].numpy().tobytes()
    content[content.index(weight)] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="step 1 has another SHA-256"):
        steps.load(net(), path, 1)
    steps.load(net(), path, 0)
    path.write_bytes(content[:-4])
    with pytest.raises(InputError, match="expected a whole file of weights"):
        steps.load(net(), path, 0)


def test_a_file_whose_steps_have_no_sha_256_of_their_own_is_one_line(path):
    named = {f"1/{name}": tensor for name, tensor in net().state_dict().items()}
    for said in ({"steps": [1], "sha256": "0"}, {}):
        save_file(named, path, metadata={"spec": json.dumps(said)})
        with pytest.raises(InputError, match="step 1 and their SHA-256, found none; delete the"):
            steps.load(net(), path, 1)
    save_file(named, path)
    with pytest.raises(InputError, match="step 1 and their SHA-256, found none; delete the"):
        steps.load(net(), path, 1)


def test_of_the_tensors_in_a_file_those_of_the_step_alone_are_read(path, monkeypatch):
    read = []

    class Opened:
        def __init__(self, *given):
            self.file = safe_open(*given)

        def __enter__(self):
            self.file = self.file.__enter__()
            return self

        def __exit__(self, *given):
            return self.file.__exit__(*given)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def get_tensor(self, name):
            read.append(name)
            return self.file.get_tensor(name)

    monkeypatch.setattr(_tensors, "safe_open", Opened)
    monkeypatch.delattr(_tensors, "load_file")
    steps.load(net(), path, 1)
    assert sorted(read) == sorted(f"1/{name}" for name in net().state_dict())
