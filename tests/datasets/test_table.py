"""Results of datasets' methods are checked before they are written."""

import numpy as np
import pytest

from blindspots.datasets import table
from blindspots.files import tables
from blindspots.interface import UNIT_BOX, Dataset, InputError, Part

GOOD = Part(np.zeros((2, 1, 3, 3), np.float32), np.array([0, 1]))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "lab:mine: expected it to return a .*Dataset, found NoneType"),
        (Part(GOOD.images.astype(float), GOOD.labels), "train.images: .* float32 .* of float64"),
        (Part(GOOD.images, GOOD.labels / 1), "train.labels: .* int64 .* found ndarray of float64"),
        (Part(GOOD.images, [0, 1]), "train.labels: .* int64 .* found list of objects"),
        (Part(GOOD.images[:0], GOOD.labels), r"train.images: .* shape \(0, 1, 3, 3\)"),
        (Part(GOOD.images[..., :2], GOOD.labels), r"test: expected images .* \(1, 3, 2\) as in"),
    ],
)
def test_what_is_no_dataset_is_refused(found, message):
    dataset = Dataset(found, GOOD, 2, UNIT_BOX) if found else found
    with pytest.raises(InputError, match=message):
        table.checked(dataset, "lab:mine")
    assert table.checked(Dataset(GOOD, GOOD, 2, UNIT_BOX), "lab:mine").train is GOOD


@pytest.mark.parametrize(
    ("part", "classes", "message"),
    [
        (GOOD, 1, "expected labels from 0 to 0, found 0 to 1"),
        (Part(GOOD.images + 2, GOOD.labels), 2, r"expected pixels in \[0.0, 1.0\], found others"),
        (Part(GOOD.images[:1], GOOD.labels), 2, "as many images as labels, found 1 and 2"),
    ],
)
def test_what_a_dataset_says_of_itself_must_be_so(tmp_path, part, classes, message):
    with pytest.raises(InputError, match=message):
        table.write(tmp_path / "a.parquet", part, classes, UNIT_BOX, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("names", ["ab", ["a"], ["a", 1], 3, ["a", "\udcff"]])
def test_names_are_one_for_each_class(names):
    with pytest.raises(InputError, match="lab:mine: names: expected a list with the name of each"):
        table.checked(Dataset(GOOD, GOOD, 2, UNIT_BOX, names), "lab:mine")


def test_names_are_kept_where_there_are_some(tmp_path):
    for names in (None, ["ant", "bee"]):
        table.write(
            tmp_path / "a.parquet", GOOD, 2, UNIT_BOX, {"commit": "abc"}, names, dataset="D"
        )
        kept = tables.metadata(tables.read(tmp_path / "a.parquet"))
        expected = {"commit": "abc", "dataset": "D", "classes": 2, "box": [0.0, 1.0]}
        assert kept == expected | ({"names": names} if names else {})
