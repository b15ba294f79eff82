"""Trainers on images that are read when they are needed: the same weights as from a tensor."""

import numpy as np
import pytest
import torch

from blindspots.config import methods
from blindspots.files import weights
from blindspots.files.images import Deferred

MLP, AUTOENCODER = ("mlp", {"hidden": [9]}), ("autoencoder", {"hidden": 6})
CASES = {
    "lbfgs": (MLP, {"decay": 1e-4, "max_iterations": 20, "chunk": 64}),
    "sgd": (MLP, {"epochs": 2, "patience": 1}),
    "adversarial_pools": (MLP, {"epochs": 2, "pool": 40}),
    "sparse_autoencoder": (AUTOENCODER, {"max_iterations": 20, "chunk": 64}),
}


def read_on_demand(images):
    """Images as `files.images.read` gives them, and the numbers read at a time."""
    read = []

    def make(places):
        read.append(len(places))
        return images[torch.from_numpy(places)]

    return Deferred(make, np.arange(len(images)), images.shape[1:], images.device), read


@pytest.mark.parametrize("name", methods.names("trainers"))
def test_a_trainer_gives_the_same_weights_from_images_that_are_read_on_demand(name, digits):
    (model, shape), settings = CASES[name]
    trainer = methods.find("trainers", name)
    images, labels, kept = digits[0][:200], digits[1][:200], digits[0][200:250]
    stacks = ((images, kept), (read_on_demand(images)[0], read_on_demand(kept)[0]))
    found = []
    for stack, validation in stacks:
        net = weights.create(model, shape, (1, 8, 8), 10)[0].train()
        offered = methods.accepted(trainer, validation=(validation, digits[1][200:250]))
        rows, _ = trainer(net, stack, labels, **settings, **offered)
        found.append((net.state_dict(), [row["loss"] for row in rows]))
    (expected, losses), (state, again) = found
    assert losses == again and len(losses) > 1
    assert all(torch.equal(tensor, state[name]) for name, tensor in expected.items())


@pytest.mark.parametrize("name", methods.names("trainers"))
def test_a_trainer_reads_no_more_of_them_at_a_time_than_it_is_asked_to(name, digits):
    (model, shape), settings = CASES[name]
    stack, read = read_on_demand(digits[0][:200])
    net = weights.create(model, shape, (1, 8, 8), 10)[0].train()
    at_once = {"chunk": 64} if "chunk" in settings else {"batch": 64}
    settings = {key: value for key, value in settings.items() if key != "patience"} | at_once
    methods.find("trainers", name)(net, stack, digits[1][:200], **settings)
    assert max(read) <= 64
