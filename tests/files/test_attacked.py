"""Attacked images for trainers: only the first rows of a table are read."""

import numpy as np
import pytest
import torch

from blindspots.files import attacked
from blindspots.files.images import Deferred
from blindspots.files.rows import Rows
from blindspots.interface import InputError
from tests.evidence import write_attacked

SHAPE = (1, 4, 4)
PIXELS = np.random.default_rng(0).random((20, *SHAPE), dtype=np.float32)


@pytest.fixture
def path(tmp_path):
    return write_attacked(tmp_path / "t.parquet", PIXELS, np.arange(20) % 2 == 0, group=5 * 64)


def test_the_first_rows_are_read_and_no_other_row_group(path, groups):
    found = attacked.read(path, 7)
    assert torch.equal(found.images[:], torch.from_numpy(PIXELS[:7]))
    assert {number for _, number, _ in groups} == {0, 1}
    assert Rows(path).group(0).num_rows == 5
    assert found.rows.tolist() == [*range(19, 12, -1)]
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert found.success.tolist() == [True, False] * 3 + [True]
    assert found.eps.isnan().all() and found.eps.dtype == torch.float64


def test_images_are_read_by_their_rows_when_they_are_needed(path):
    found = attacked.read(path, 7).images
    assert isinstance(found, Deferred)
    assert torch.equal(found[torch.tensor([6, 0])], torch.from_numpy(PIXELS[[6, 0]]))


def test_a_table_of_fewer_rows_is_refused(path):
    with pytest.raises(InputError, match="expected a row 20, to which another table refers, f"):
        attacked.read(path, 21)
