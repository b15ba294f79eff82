"""A training's job: the images that it holds."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import torch

from blindspots.files import tables
from blindspots.files.images import Budget
from blindspots.jobs.train import attacked_images

SHAPE = (1, 4, 4)
BYTES = 4 * 16
SCHEMA = pa.schema(
    [
        ("image", pa.fixed_shape_tensor(pa.float32(), SHAPE)),
        ("label", pa.int16()),
        ("success", pa.bool_()),
        ("eps", pa.float64()),
        ("index", pa.int32()),
    ]
)


def written(path, seed):
    pixels = np.random.default_rng(seed).random((20, *SHAPE), dtype=np.float32)
    n = np.arange(20)
    columns = {"image": pixels, "label": n % 3, "success": True, "eps": None, "index": n}
    tables.write(path, tables.build(columns, SCHEMA), {})
    return path, torch.from_numpy(pixels)


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
