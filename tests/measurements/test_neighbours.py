"""Nearest training images of other classes, against brute force."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX
from blindspots.measurements.neighbours import neighbours


def images(pixels, labels, rows=None, file="train"):
    rows = np.arange(len(pixels)) if rows is None else rows
    return Images(pixels, labels, np.asarray(rows), file, 10, UNIT_BOX, "D")


def found(data, train, chunk=50, **given):
    return neighbours("e", 3, data, lambda n: train.first(n), chunk, **given).to_pandas()


@pytest.mark.parametrize("chunk", [7, 64, 5000])
def test_the_nearest_of_each_class_is_that_of_brute_force(digits, chunk):
    (train, labels), (shown, theirs) = digits[:2], (digits[0][:40] * 0.9, digits[1][:40])
    table = found(images(shown, theirs, file="test"), images(train, labels), chunk)
    every = cdist(shown.flatten(1).double().numpy(), train.flatten(1).double().numpy())
    rows = iter(table.rename(columns={"index": "at"}).itertuples(index=False))
    for index, label in enumerate(theirs.tolist()):
        for other in (each for each in range(10) if each != label):
            of_class = np.flatnonzero(labels.numpy() == other)
            best = of_class[every[index, of_class].argmin()]
            row = next(rows)
            assert (row.at, row.label, row.other, row.neighbour) == (index, label, other, best)
            assert row.distance == pytest.approx(every[index, best] / 8, rel=1e-14)
    assert next(rows, None) is None


def test_of_equal_images_the_first_of_the_file_is_the_nearest_in_any_order_of_the_part():
    pixels = torch.rand(1, 1, 3, 3, generator=torch.Generator().manual_seed(0)).repeat(6, 1, 1, 1)
    labels = torch.tensor([1, 1, 1, 2, 2, 2])
    train = images(pixels, labels, rows=[8, 2, 5, 9, 4, 3])
    data = images(torch.zeros(1, 1, 3, 3), torch.tensor([0]), file="test")
    for chunk in (1, 2, 6):
        table = found(data, train, chunk)
        assert table[["other", "neighbour"]].values.tolist() == [[1, 2], [2, 3]]
        assert table["distance"].nunique() == 1


def test_a_difference_that_products_of_matrices_lose_decides():
    far = torch.ones(3, 1, 50, 50) * 1e3
    far[1, 0, 0, 0] += 1e-3  # in squared distances of 2.5e9, 16 digits leave 3e-7
    far[2, 0, 0, 0] += 2e-3
    data = images(far[:1], torch.tensor([0]), file="test")
    for order in ([1, 2], [2, 1]):
        train = images(far[order], torch.tensor([1, 1]), rows=order)
        (row,) = found(data, train).itertuples()
        assert row.neighbour == 1
        assert row.distance == float(far[1, 0, 0, 0].double() - 1e3) / 50


def test_a_class_without_training_images_has_no_row_and_progress_counts_training_images():
    pixels = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    seen = []
    table = found(
        images(pixels[:1], torch.tensor([0])), images(pixels, torch.tensor([0, 0, 7, 7, 0])),
        chunk=2, progress=seen.append,
    )  # fmt: skip
    assert table["other"].tolist() == [7]
    assert seen == [2, 4, 5]
    assert (table["experiment"] == "e").all() and (table["seed"] == 3).all()
