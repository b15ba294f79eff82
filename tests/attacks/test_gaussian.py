import pytest
import torch

from blindspots.attacks import gaussian

IMAGES = torch.full((200, 1, 8, 8), 0.5)
LABELS = torch.zeros(200, dtype=torch.int64)


def test_unclipped_noise_has_the_standard_deviation_asked_for():
    found = gaussian(None, IMAGES, LABELS, std=0.3, clip=False)
    change = found.images - IMAGES
    assert change.std().item() == pytest.approx(0.3, rel=0.02)
    assert change.mean().item() == pytest.approx(0.0, abs=0.01)
    assert (found.images > 1).any()


def test_the_noise_of_an_image_depends_on_the_seed_and_the_image_alone():
    whole = gaussian(None, IMAGES, LABELS, seed=1)
    part = gaussian(None, IMAGES[50:60], LABELS[50:60], seed=1, rows=range(50, 60))
    assert torch.equal(whole.images[50:60], part.images)
    assert not torch.equal(whole.images, gaussian(None, IMAGES, LABELS, seed=2).images)
    assert not torch.equal(whole.images[0], whole.images[1])
