import numpy as np
import pytest
import torch

from blindspots import datasets
from blindspots.datasets.digits import digits
from blindspots.files import splits
from blindspots.interface import InputError


def test_a_stratified_fifth_is_the_test_set():
    data = digits()
    assert data.train.images.shape == (1437, 1, 8, 8)
    assert data.test.images.shape == (360, 1, 8, 8)
    shares = np.bincount(data.test.labels) / np.bincount(
        np.concatenate([data.train.labels, data.test.labels])
    )
    assert np.abs(shares - 0.2).max() < 0.01


def test_images_are_float32_in_the_box_and_no_test_image_is_a_training_image():
    data = digits()
    assert data.train.images.dtype == np.float32
    assert data.train.images.min() == data.box.lower
    assert data.train.images.max() == data.box.upper
    prints = [set(splits.fingerprints(part.images)) for part in (data.train, data.test)]
    assert not prints[0] & prints[1]


def test_the_seed_decides_the_test_set():
    assert np.array_equal(digits().test.images, digits().test.images)
    assert not np.array_equal(digits().test.images, digits(seed=1).test.images)


def test_the_front_door_gives_tensors():
    images, labels = datasets.load("digits", part="test")
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert len(images) == len(labels) == 360


def test_the_front_door_refuses_an_unknown_part():
    with pytest.raises(InputError, match="part: expected 'train' or 'test', found 'val'"):
        datasets.load("digits", part="val")
