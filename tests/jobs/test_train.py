"""A training's job: the images that it holds."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from blindspots.files.images import Budget
from blindspots.interface import InputError
from blindspots.jobs.train import attacked_images
from tests.evidence import write_attacked

SHAPE = (1, 4, 4)
BYTES = 4 * 16


def written(path, seed, shape=SHAPE):
    pixels = np.random.default_rng(seed).random((20, *shape), dtype=np.float32)
    return write_attacked(path, pixels), torch.from_numpy(pixels)


def test_tables_of_attacked_images_share_the_bytes_that_a_training_may_hold(tmp_path):
    first, near = written(tmp_path / "a.parquet", 0)
    second, far = written(tmp_path / "b.parquet", 1)
    job = SimpleNamespace(
        input=SimpleNamespace(train=first, attacked=[first, second]),
        params=SimpleNamespace(net={"name": "a", "attacked": {"near": 20, "far": 18}}),
    )
    for room, held in ((38, [True, True]), (37, [True, False]), (19, [False, True])):
        budget = Budget(room * BYTES)
        found = attacked_images(job, torch.device("cpu"), budget)
        assert [isinstance(found[n].images, torch.Tensor) for n in ("near", "far")] == held
        assert budget.left == room * BYTES - sum(n * BYTES for n in (20, 18) if held[n == 18])
        assert torch.equal(found["near"].images[:], near)
        assert torch.equal(found["far"].images[:], far[:18])


def test_attacked_images_of_another_shape_are_refused(tmp_path):
    own, _ = written(tmp_path / "own.parquet", 0)
    other, _ = written(tmp_path / "other.parquet", 0, (3, 4, 4))
    job = SimpleNamespace(
        input=SimpleNamespace(train=own, attacked=[own, other]),
        params=SimpleNamespace(net={"name": "a", "attacked": {"near": 20, "far": 20}}),
    )
    with pytest.raises(InputError) as error:
        attacked_images(job, torch.device("cpu"), Budget(40 * BYTES))
    assert str(error.value) == (
        "config: nets.a.attacked.far: expected images of shape [1, 4, 4], the net's, found "
        "[3, 4, 4]; name another experiment"
    )
