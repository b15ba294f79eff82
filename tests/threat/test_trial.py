import math
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from blindspots.interface import Box, InputError
from blindspots.threat.trial import trial

SHAPE = (1, 8, 8)


class Own(nn.Module):
    """A linear net after a user's own function."""

    def __init__(self, before, *layers):
        super().__init__()
        self.before, self.layers = before, nn.ModuleList(layers)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        torch.nn.init.constant_(self.net[1].weight, 0.1)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.net(self.before(x))


def seeded_noise():
    generator = torch.Generator().manual_seed(0)
    return lambda x: x + torch.randn(x.shape, generator=generator)


CHANCE = {
    "dropout": lambda x: functional.dropout(x, 0.01),
    "of numpy": lambda x: x + 0 * float(np.random.uniform()),
    "of Python": lambda x: x.flip(3) if random.random() < 1e-9 else x,
}
BATCH = {
    "its mean": (lambda x: (x - x.mean()) / x.std(), ()),
    "its statistics": (lambda x: x, (nn.BatchNorm2d(1, track_running_stats=False).eval(),)),
    "its own generator": (seeded_noise(), ()),
    "its size": (lambda x: x / len(x), ()),
}


def test_a_model_answers_to_three_images_in_the_box_and_of_the_type_asked_for():
    seen = []
    model = Own(lambda x: seen.append(x) or x).double()
    like = torch.zeros(0, dtype=torch.float64)
    answers = trial(model, SHAPE, box=Box(-2.0, 6.0), like=like)
    assert answers.shape == (3, 10)
    assert answers.dtype == torch.float64
    assert sum(map(len, seen)) == 13
    assert min(float(x.min()) for x in seen) < -1.9
    assert 5.5 < max(float(x.max()) for x in seen) <= 6


@pytest.mark.parametrize("box", [(-math.inf, math.inf), (0.0, math.inf), (-math.inf, -3.0)])
def test_a_box_without_an_end_still_has_images(box):
    seen = []
    trial(Own(lambda x: seen.append(x) or x), SHAPE, box=Box(*box))
    assert all(((x >= box[0]) & (x <= box[1]) & x.isfinite()).all() for x in seen)


@pytest.mark.parametrize("chance", CHANCE)
def test_refuses_answers_that_depend_on_chance_however_seldom(chance):
    with pytest.raises(InputError, match="found that the model draws random numbers"):
        trial(Own(CHANCE[chance]).eval(), SHAPE)


@pytest.mark.parametrize("batch", BATCH)
def test_refuses_answers_that_depend_on_the_batch(batch):
    with pytest.raises(InputError, match="the same finite logits for an image alone and among"):
        trial(Own(*([BATCH[batch][0], *BATCH[batch][1]])).eval(), SHAPE)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm2d(1), nn.InstanceNorm2d(1, track_running_stats=True)], ids=str
)
def test_refuses_a_model_that_changes_itself_and_puts_it_back(layer):
    model = Own(lambda x: x, layer).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError, match=r"found that it changes 'layers\.0\.running_mean'"):
        trial(model, SHAPE)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_what_a_model_makes_when_it_is_first_called_is_no_change():
    class Cached(Own):
        def forward(self, x):
            if not hasattr(self, "factor"):
                torch.rand(1)  # and what it draws for it
                self.register_buffer("factor", torch.tensor(0.5))
            return super().forward(x * self.factor)

    assert trial(Cached(lambda x: x).eval(), SHAPE).isfinite().all()


def test_refuses_a_model_that_changes_its_images():
    with pytest.raises(InputError, match="images that stay as they are, found that it changes"):
        trial(Own(lambda x: x.sub_(0.5)).eval(), SHAPE)


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (
            torch.Tensor.double,
            r"expected a float32 tensor .*\(3, 10\) torch\.float64; .*\.to\(x\.d",
        ),
        (torch.Tensor.half, r"expected a float32 tensor .* torch\.float16"),
        (lambda z: (z, z), "three images, found tuple; return the logits alone"),
        (lambda z: z[:2], r"found Tensor \(2, 10\)"),
    ],
)
def test_refuses_what_is_no_row_of_the_images_type_for_each(after, message):
    model = Own(lambda x: x)
    with pytest.raises(InputError, match=message):
        trial(lambda x: after(model(x)), SHAPE)


def test_it_draws_no_global_random_number():
    model = Own(lambda x: x)
    before = torch.get_rng_state(), random.getstate()
    trial(model, SHAPE)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.SFC64, np.random.Philox])
def test_whatever_generator_numpy_has(kind):
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(kind(0))
    try:
        assert trial(Own(lambda x: x), SHAPE).shape == (3, 10)
        with pytest.raises(InputError, match="the model draws random numbers"):
            trial(Own(CHANCE["of numpy"]), SHAPE)
    finally:
        np.random.set_bit_generator(before)
