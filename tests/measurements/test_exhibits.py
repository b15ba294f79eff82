"""Images that are read, or made, when they are shown: the same tables, with a chunk in memory."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from blindspots.files import tables
from blindspots.files.images import Deferred, Images
from blindspots.interface import Box
from blindspots.measurements import exhibits, sweep
from blindspots.measurements import transfer as transfers
from blindspots.measurements.exhibits import Exhibit

N, CHUNK = 50, 16
TRANSFER = {"amplify": [0.2, 0.4], "clip": True, "across_seeds": False}
SWEEP = {"distortions": [0.05, 0.1, 0.3], "noise_draws": 2}


class Counting:
    """Images that are made on demand; records how many at a time."""

    most = 0

    def __init__(self, images):
        self.images = images

    def __call__(self, places):
        Counting.most = max(Counting.most, len(places))
        return self.images[torch.from_numpy(places)]


def deferred(images):
    return Deferred(
        Counting(images), np.arange(len(images)), tuple(images.shape[1:]), images.device
    )


@pytest.fixture
def data(digits):
    return Images(digits[0][:N], digits[1][:N], np.arange(N) + 7, "test", 10, Box(0.0, 1.0), "D")


@pytest.fixture
def shown(data):
    """Images a step away from the originals, of two sources, declared as successes."""
    found = []
    for name in ("A", "B"):
        step = torch.randn(data.images.shape, generator=torch.Generator().manual_seed(ord(name)))
        images = (data.images + 0.2 * step).clamp(0, 1)
        length = (images.double() - data.images.double()).flatten(1).square().mean(dim=1).sqrt()
        said = np.ones(N, bool), length.numpy(), np.full(N, "RIGHT", object)
        found.append(Exhibit(name, "steps", None, None, data, images, *said))
    return found


def later(data, shown):
    """Return the same images, none of them in memory."""
    data = replace(data, stack=deferred(data.images))
    return data, [replace(each, data=data, stack=deferred(each.images)) for each in shown]


def joined(parts):
    """Join the parts of each table."""
    found = {}
    for part in parts:
        for name, rows in part.items():
            found.setdefault(name, []).append(rows)
            assert name == "curves" or len(rows) <= CHUNK
    return {name: pa.concat_tables(each).combine_chunks() for name, each in found.items()}


def equal(one, other):
    assert one.schema.equals(other.schema)
    pictured = [f.name for f in one.schema if isinstance(f.type, pa.FixedShapeTensorType)]
    assert one.drop_columns(pictured).to_pylist() == other.drop_columns(pictured).to_pylist()
    return all(np.array_equal(tables.images(one, n), tables.images(other, n)) for n in pictured)


@pytest.mark.parametrize(
    ("method", "settings"),
    [("transfer", TRANSFER), ("transfer", TRANSFER | {"amplify_by": "all"}), ("sweep", SWEEP)],
    ids=["transfer", "transfer by one factor", "sweep"],
)
def test_what_is_read_as_it_is_shown_gives_the_same_tables_a_chunk_at_a_time(
    data, shown, softmax_net, sigmoid_net, method, settings, monkeypatch
):
    monkeypatch.setattr(exhibits, "BLOCK", CHUNK)
    monkeypatch.setattr(transfers, "FIRST", CHUNK)
    models = {"A": softmax_net, "B": sigmoid_net}

    def run(data, shown):
        if method == "sweep":
            return joined(sweep.sweep("e", 0, data, shown, models, CHUNK, **settings))
        noise = exhibits.control("noise", "gaussian", {"std": 0.3}, data, seed=0)
        victims = {(name, 0): model for name, model in models.items()}
        return joined(transfers.transfer("e", 0, shown, [noise], victims, CHUNK, **settings))

    at_once = run(data, shown)
    Counting.most = 0
    as_shown = run(*later(data, shown))
    assert at_once.keys() == as_shown.keys()
    for name, table in at_once.items():
        assert equal(table, as_shown[name]), name
    assert len(at_once["witnesses"]) > 10
    assert 0 < Counting.most <= CHUNK


def test_the_first_exhibits_are_held_in_memory_as_many_as_have_room(data, shown):
    data, shown = later(data, shown)
    size = 4 * data.images.numel()
    for most, expected in (
        (size - 1, [False, False]),
        (size, [True, False]),
        (2 * size, [True] * 2),
    ):
        held = [each.stack for each in exhibits.in_memory(shown, most)]
        assert [isinstance(stack, torch.Tensor) for stack in held] == expected
        for stack, each in zip(held, shown, strict=True):
            assert torch.equal(stack[:], each.images)


def test_a_control_makes_the_same_images_whichever_are_asked_for(data):
    for method, settings in (("gaussian", {"std": 0.2}), ("other_image", {"distortion": 0.1})):
        made = exhibits.control("control", method, settings, data, seed=3)
        places = np.array([40, 2, 2, 17])
        assert torch.equal(made.stack[torch.from_numpy(places)], made.images[places])
        distortion = (made.images - data.images).double().flatten(1).square().mean(dim=1).sqrt()
        assert np.allclose(made.distortion, distortion)
