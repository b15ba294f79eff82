import pytest
import torch

from blindspots.files import weights
from blindspots.interface import InputError
from blindspots.models.lenet import lenet
from blindspots.trainers.sgd import sgd


def test_has_the_layers_and_parameters_of_lenet_5():
    model = lenet((1, 28, 28), 10)
    assert model(torch.rand(3, 1, 28, 28)).shape == (3, 10)
    # Convolutions 1·6·25 + 6 and 6·16·25 + 16, then 400 → 120 → 84 → 10.
    expected = 156 + 2416 + 400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == expected


@pytest.mark.parametrize("shape", [(1, 12, 12), (3, 32, 32), (1, 20, 28)])
def test_takes_images_of_other_sizes(shape):
    assert lenet(shape, 7)(torch.rand(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("shape", [(1, 8, 8), (784,)])
def test_refuses_images_that_are_too_small_or_flat(shape):
    with pytest.raises(InputError, match="12 × 12 pixels or more for lenet"):
        lenet(shape, 10)


def test_with_sigmoids_it_begins_to_learn_at_once():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 3
    images = 0.3 * torch.rand(600, 1, 12, 12, generator=generator)
    images[torch.arange(600), 0, 4 * labels, :] += 0.7  # a row of pixels for each class
    model, _ = weights.create("lenet", {"activation": "sigmoid"}, (1, 12, 12), 3)
    history, _ = sgd(model, images, labels, epochs=3, batch=20)
    assert history[-1]["error"] < 5
