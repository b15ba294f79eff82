"""What a job must have in common with a killed one to go on from what that had finished."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from blindspots.datasets import table
from blindspots.interface import UNIT_BOX, Box, Part
from blindspots.jobs.attack import attack_key
from blindspots.jobs.certify import certificate_key
from blindspots.jobs.train import training_key
from tests.evidence import Named

KEYS = {
    "training": training_key,
    "attack": attack_key,
    "certificate": lambda job, device: certificate_key(job, job.input.images, job.input.split),
}
READ = {
    "training": {"split", "parent", "attacked"},
    "attack": {"split", "weights", "parent"},
    "certificate": {"split", "weights"},
}
"""Files that a job's results depend on, apart from the images that the split describes."""


def prepared(path, images=2, box=UNIT_BOX, classes=3, shape=(1, 2, 2), dataset="toy"):
    part = Part(np.ones((images, *shape), np.float32), np.zeros(images, np.int64))
    table.write(path, part, classes, box, {}, dataset=dataset)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the files that a job reads."""
    prepared(tmp_path / "images")
    for name in ("split", "weights", "parent", "attacked"):
        (tmp_path / name).write_text(name)
    return tmp_path


def key(kind, folder, device="cpu", threads=1, code="a", machine=4, **net):
    given = Named({name: folder / name for name in ("images", "split", "weights")})
    given |= {"train": folder / "images"}
    given |= {"parents": [folder / "parent"], "attacked": [folder / "attacked"]}
    params = Named(net={"name": "a", "checkpoints": [3], "train_on": "P1"} | net, code=code)
    config = {"machine": {"threads": machine}}
    job = SimpleNamespace(input=given, params=params, threads=threads, config=config)
    return KEYS[kind](job, torch.device(device))


@pytest.mark.parametrize("kind", KEYS)
def test_it_goes_on_with_as_many_threads_of_its_own_and_the_same_settings_and_code(kind, folder):
    first = key(kind, folder)
    assert first == key(kind, folder, machine=2)  # of which `--cores` leaves one
    others = [{"threads": 2}, {"code": "b"}, {"train_on": "P2"}]
    assert len({first, *(key(kind, folder, **other) for other in others)}) == 4


@pytest.mark.parametrize("kind", ["training", "attack"])
def test_it_goes_on_on_any_device_of_the_same_kind(kind, folder):
    assert key(kind, folder, "cuda:0") == key(kind, folder, "cuda:1") != key(kind, folder)


def test_a_training_may_keep_the_weights_after_other_steps(folder):
    first = key("training", folder)
    assert first == key("training", folder, checkpoints=[])
    assert first == key("training", folder, checkpoints=[1, 3])


@pytest.mark.parametrize("kind", KEYS)
def test_it_goes_on_where_each_file_that_it_reads_has_the_same_content(kind, folder):
    first, found = key(kind, folder), set()
    for name in ("split", "weights", "parent", "attacked"):
        (folder / name).write_text("other")
        if key(kind, folder) != first:
            found.add(name)
        (folder / name).write_text(name)
    assert found == READ[kind]


@pytest.mark.parametrize("kind", KEYS)
def test_of_the_images_it_compares_what_the_split_does_not_say_and_reads_none(kind, folder):
    first = key(kind, folder)
    prepared(folder / "images", images=3)
    assert first == key(kind, folder)
    for other in ({"box": Box(0, 2)}, {"classes": 4}, {"shape": (1, 1, 4)}, {"dataset": "b"}):
        prepared(folder / "images", **other)
        assert key(kind, folder) != first, other
