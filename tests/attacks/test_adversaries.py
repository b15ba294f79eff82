"""Requirements on the package's attacks that need a model, in addition to the contract of all."""

import pytest
import torch

from blindspots.config import methods, traits
from blindspots.files import weights
from blindspots.interface import InputError
from blindspots.trainers.lbfgs import lbfgs as train

ATTACKS = [
    methods.find("attacks", name) for name in methods.names("attacks") if traits.needs_model(name)
]
pytestmark = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("labels", 10, r"labels\[5\]: expected a class from 0 to 9, found 10"),
        ("targets", -1, r"targets\[5\]: expected a class from 0 to 9, found -1"),
    ],
)
def test_refuses_a_class_out_of_range(attack, arguments, name, value, message):
    spoilt = arguments[name].clone()
    spoilt[5] = value
    with pytest.raises(InputError, match=message):
        attack(**(arguments | {name: spoilt}))


@pytest.mark.parametrize("layer", [torch.nn.BatchNorm2d(1), torch.nn.Dropout(0.5)], ids=str)
def test_refuses_a_model_whose_answers_depend_on_the_batch_or_on_chance(attack, arguments, layer):
    model = torch.nn.Sequential(layer, arguments["model"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError, match=r"expected evaluation mode, .* '0' in .*model\.eval"):
        attack(**(arguments | {"model": model.train()}))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    attack(**(arguments | {"model": model.eval()}))


def test_refuses_a_model_that_returns_more_than_logits(attack, arguments):
    class Wrapped(torch.nn.Module):
        def forward(self, x):
            return {"logits": arguments["model"](x)}

    with pytest.raises(InputError, match=r"model: .* three images, found dict; return the"):
        attack(**(arguments | {"model": Wrapped()}))


def test_refuses_a_model_without_finite_logits_for_an_image(attack, arguments):
    broken = arguments["images"][4]

    class Broken(torch.nn.Module):
        def forward(self, x):
            logits = arguments["model"](x)
            return logits.where(~(x == broken).flatten(1).all(dim=1)[:, None], torch.nan)

    with pytest.raises(InputError, match=r"model: expected finite logits, .* images\[4\]"):
        attack(**(arguments | {"model": Broken()}))


def test_another_batch_composition_moves_no_distortion_by_more_than_one_in_ten_thousand(
    attack, digits, wrong_targets
):
    # Widths of 32 units: with odd ones the model's rounding depends on the place in the batch.
    model, _ = weights.create("mlp", {"hidden": [32, 32]}, (1, 8, 8), 10)
    train(model, *digits, decay=1e-5, tolerance=1e-2)
    n = 150
    images, labels, targets = digits[0][:n], digits[1][:n], wrong_targets[:n]
    together = attack(model, images, labels, targets).distortion
    for size in (1, 7):
        apart = torch.cat(
            [
                attack(
                    model, images[i : i + size], labels[i : i + size], targets[i : i + size]
                ).distortion
                for i in range(0, n, size)
            ]
        )
        assert torch.allclose(apart, together, rtol=1e-4, atol=0)
