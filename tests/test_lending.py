"""Changes of a model by a function that it was passed to are detected."""

import numpy as np
import pytest
import torch
from torch import nn

from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, AttackResult, InputError
from blindspots.jobs.attacking import attack_all
from blindspots.lending import changed, state


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3)).eval()


CHANGES = {
    "tensor '1.weight'": lambda model: model[1].weight.data.mul_(2),
    "tensor '2.running_var'": lambda model: model[2].running_var.fill_(torch.nan),
    "tensor '1.bias'": lambda model: setattr(model[1], "bias", None),
    "tensor '2.weight'": lambda model: model[2].double(),
    "the mode or the hooks of '2'": lambda model: model[2].train(),
    "the mode or the hooks of '1'": lambda model: model[1].register_forward_pre_hook(print),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_named(what):
    model = net()
    before = state(model)
    CHANGES[what](model)
    assert changed(before, model) == what


def test_answers_gradients_and_numbers_that_are_none_change_nothing():
    model = net()
    model[2].running_var[1] = torch.nan
    before = state(model)
    model(torch.rand(2, 4)).sum().backward()
    model.requires_grad_(False)
    assert changed(before, model) is None


class Counting(nn.Sequential):
    """A model that counts its calls."""

    def forward(self, x):
        self.seen += len(x)
        return super().forward(x)


def test_what_the_model_itself_changes_is_nobody_elses_change():
    model = Counting(*net())
    model.register_buffer("seen", torch.zeros(()))
    before = state(model, torch.rand(1, 4))
    model(torch.rand(2, 4))
    assert changed(before, model) is None
    model[1].bias.data += 1
    assert changed(before, model) == "tensor '1.bias'"


def shrinking(model, images, labels, targets, **_):
    """An attack that changes the model."""
    model[1].weight.data.mul_(0.1)
    nothing = torch.zeros(len(images), dtype=torch.int64)
    return AttackResult(images, images, nothing.bool(), nothing, nothing, nothing)


def test_an_attack_that_changes_the_model_is_refused():
    model, images = net(), torch.rand(3, 1, 2, 2)
    labels = model(images).argmax(dim=1)
    data = Images(images, labels, np.arange(3), "test", 3, UNIT_BOX)
    with pytest.raises(InputError, match=r"shrinking: .* that the attack changed .*'1\.weight'"):
        attack_all(shrinking, model, data, others=data, target="any", seed=0, chunk=2, settings={})
