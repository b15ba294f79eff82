"""Layers without biases: what the models `mlp` and `encoded` are without them."""

import pytest
import torch

from blindspots.bounds.networks import bound
from blindspots.files import weights

SHAPE = (1, 8, 8)


def pair(method, settings, **more):
    """Return two models of one seed, with and without biases."""
    return [
        weights.create(method, settings | own, SHAPE, 10, seed=3, **more)[0]
        for own in ({}, {"bias": False})
    ]


@pytest.mark.parametrize("hidden", [[], [7], [7, 5]])
def test_without_biases_the_initial_weights_are_the_same(hidden):
    usual, bare = pair("mlp", {"hidden": hidden})
    assert [name for name in usual.state_dict() if name.endswith("bias")]
    assert [*bare.state_dict()] == [n for n in usual.state_dict() if not n.endswith("bias")]
    for name, tensor in bare.state_dict().items():
        assert torch.equal(tensor, usual.state_dict()[name])
    images = torch.rand(4, *SHAPE)
    assert torch.equal(bare(images), usual(images))  # whose biases are 0


def test_a_file_of_a_model_without_biases_is_read_back(tmp_path):
    model, spec = weights.create("mlp", {"hidden": [7], "bias": False}, SHAPE, 10)
    weights.save(tmp_path / "w.safetensors", model, spec)
    images = torch.rand(4, *SHAPE)
    assert torch.equal(weights.load(tmp_path / "w.safetensors")(images), model(images))


def test_a_spec_that_says_nothing_of_biases_is_that_of_a_model_with_them(tmp_path):
    model, spec = weights.create("mlp", {"hidden": [7]}, SHAPE, 10)
    assert spec["settings"] == {"hidden": [7]}
    weights.save(tmp_path / "w.safetensors", model, spec)
    weights.check_spec(
        tmp_path / "w.safetensors", spec | {"settings": {"hidden": [7], "bias": True}}
    )


def test_only_the_softmax_of_an_encoded_model_is_without_biases(tmp_path):
    coder, spec = weights.create("autoencoder", {"hidden": 6}, SHAPE, 10)
    weights.save(tmp_path / "coder.safetensors", coder, spec)
    usual, bare = pair("encoded", {}, parents={"encoder": tmp_path / "coder.safetensors"})
    assert usual.state_dict().keys() - bare.state_dict().keys() == {"head.bias"}
    assert torch.equal(bare.encoder[1].bias, coder.encoder[1].bias)


def test_biases_do_not_change_the_bounds_of_a_network():
    usual, bare = pair("mlp", {"hidden": [7]})
    torch.nn.init.uniform_(usual[1].bias)
    found, expected = bound(bare, SHAPE), bound(usual, SHAPE)
    assert found.logits == pytest.approx(expected.logits)
