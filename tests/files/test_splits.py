from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blindspots.files import _slices, splits
from blindspots.interface import InputError


def dataset(n_train, n_test=30, classes=4, seed=0, contents=None):
    labels = np.random.default_rng(seed).integers(0, classes, n_train + n_test)
    contents = contents or [f"image {i}" for i in range(n_train + n_test)]
    whole = pa.table({"label": pa.array(labels, pa.int16()), "sha256": contents})
    return whole.slice(0, n_train), whole.slice(n_train)


def members(index, part):
    return set(splits.rows_of(index, part)["sha256"].to_pylist())


@settings(max_examples=50)
@given(
    n=st.integers(20, 200),
    p1=st.floats(0, 0.5),
    p2=st.floats(0, 0.5),
    validation=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_parts_are_disjoint_stratified_and_of_the_size_asked_for(n, p1, p2, validation, seed):
    train, test = dataset(n)
    index, counts = splits.split(train, test, p1=p1, p2=p2, validation=validation, seed=seed)
    parts = [members(index, part) for part in ("P1", "P2", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts))
    left = n - counts["validation"]
    wanted = {"validation": validation * n, "P1": p1 * left, "P2": p2 * left}
    for part, size in wanted.items():
        assert counts[part] == len(members(index, part))
        assert size - 1 < counts[part] <= size + 1e-6
    assert members(index, "train") == set(train["sha256"].to_pylist()) - parts[2]
    labels = train["label"].to_numpy()
    for part in ("P1", "P2", "validation"):
        rows = splits.rows_of(index, part)["label"].to_numpy()
        for label in np.unique(labels):
            expected = len(rows) * np.mean(labels == label)
            assert abs(np.sum(rows == label) - expected) <= 2


def test_a_share_is_not_short_of_an_image_by_rounding():
    train, test = dataset(100)
    _, counts = splits.split(train, test, p1=0.29, p2=0.57, validation=0, seed=0)
    assert (counts["P1"], counts["P2"]) == (29, 57)  # 0.29 * 100 is less than 29 in floats


def test_the_order_is_seeded_and_no_size_changes_it():
    train, test = dataset(100)
    sizes = {"p1": 0.5, "p2": 0.5, "validation": 0.0}
    first, again, other, smaller = (
        splits.split(train, test, **(sizes | change), seed=seed)[0]["index"].to_pylist()
        for change, seed in (({}, 0), ({}, 0), ({}, 1), ({"p1": 10, "p2": 10}, 0))
    )
    assert first == again == smaller
    assert first != other


def test_the_first_images_of_a_part_are_not_in_order_of_class():
    train, test = dataset(400)
    index, _ = splits.split(train, test, p1=0.5, p2=0.5, validation=0.0, seed=0)
    assert len(set(splits.rows_of(index, "P1")["label"].to_pylist()[:40])) == 4


def test_of_equal_images_one_takes_part_and_none_that_equals_a_test_image():
    contents = ["a", "b", "a", "c", "d", "e", "x", "b", "x"]
    train, test = dataset(6, 3, classes=1, contents=contents)
    index, counts = splits.split(train, test, p1=2, p2=2, validation=0, seed=0)
    assert members(index, "train") == {"a", "c", "d", "e"}
    assert counts["train"] == 4
    assert counts["left out as duplicates"] == 2
    assert counts["duplicates within test"] == 1
    assert counts["test"] == 3


def test_an_image_in_two_parts_is_found():
    train, test = dataset(10)
    index, _ = splits.split(train, test, p1=5, p2=5, validation=0, seed=0)
    same = index.set_column(5, splits.SCHEMA.field("sha256"), pa.array(["x"] * len(index)))
    with pytest.raises(AssertionError, match="in two subsets"):
        splits.assert_disjoint(same)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            {"p1": 80, "p2": 40, "validation": 0},
            r"p1 \+ p2 to be at most 100.*found 80 \+ 40 = 120",
        ),
        ({"p1": 0.5, "p2": 0.5, "validation": 200}, r"splits\.validation: expected at most 100"),
        (
            {"p1": 101, "p2": 0, "validation": 0},
            r"splits\.p1: expected at most 100 images, found 101",
        ),
    ],
)
def test_a_split_larger_than_the_data_is_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        splits.split(*dataset(100), **sizes, seed=0)


def test_the_fingerprint_of_an_image_is_that_of_its_pixels():
    images = np.random.default_rng(0).random((3, 1, 4, 4)).astype(np.float32)
    images[2] = images[0]
    prints = splits.fingerprints(images)
    assert prints[0] == prints[2] != prints[1]


def test_a_part_without_a_class_is_named():
    train, test = dataset(100)
    small, _ = splits.split(train, test, p1=2, p2=0.5, validation=0, seed=0)
    with pytest.raises(InputError, match="part P1: expected images of every class, found none"):
        splits.check_classes(small, ["P2", "P1"])
    splits.check_classes(small, ["P2", "test", "validation"])


SHARES = {"A": [0, 0.5], **{f"B-{s}": [0.5 - s / 200, 1 - s / 200] for s in (100, 75, 50, 25, 0)}}
"""Slices of one width; the second ones have a share of their images in common with the first."""


def cut(n, parts, validation=0.0, seed=0):
    return splits.split(*dataset(n), p1=0.5, p2=0.5, validation=validation, seed=seed, parts=parts)


@pytest.mark.parametrize("seed", [0, 1])
def test_slices_share_exactly_the_images_that_they_are_said_to_share(seed):
    index, counts = cut(1000, SHARES, validation=200, seed=seed)
    own = {name: members(index, name) for name in SHARES}
    assert {name: len(its) for name, its in own.items()} == dict.fromkeys(SHARES, 400)
    assert {name: counts[name] for name in SHARES} == dict.fromkeys(SHARES, 400)
    for share in (100, 75, 50, 25, 0):
        assert len(own["A"] & own[f"B-{share}"]) == share * 4
    assert own["A"] == own["B-100"] == members(index, "P1")
    others = members(index, "validation") | members(index, "test")
    assert all(its <= members(index, "train") and not its & others for its in own.values())


def test_every_slice_has_the_classes_nearly_in_proportion():
    index, _ = cut(1000, SHARES)
    labels = dataset(1000)[0]["label"].to_numpy()
    for name in SHARES:
        rows = splits.rows_of(index, name)["label"].to_numpy()
        for label in np.unique(labels):
            assert abs(np.sum(rows == label) - len(rows) * np.mean(labels == label)) <= 2


@given(n=st.integers(100, 300), ends=st.lists(st.floats(0, 1), min_size=2, max_size=6, unique=True))
def test_slices_that_meet_share_no_image_and_leave_none_out(n, ends):
    order, ends = np.random.default_rng(n).permutation(n), sorted(ends)
    assume(all(int(b * n) > int(a * n) + 1 for a, b in pairwise(ends)))
    parts = {f"p{i}": pair for i, pair in enumerate(pairwise(ends))}
    joined = np.concatenate(list(_slices.cut(order, parts).values()))
    (begin,) = np.flatnonzero(order == joined[0])
    assert joined.tolist() == order[begin : begin + len(joined)].tolist()
    assert abs(len(joined) - (ends[-1] - ends[0]) * n) < 1


def test_slices_of_its_own_change_nothing_else_of_a_split():
    plain, counts = cut(200, None)
    sliced, more = cut(200, SHARES)
    assert sliced.select(plain.column_names).equals(plain)
    assert plain.schema.equals(splits.SCHEMA)
    assert more.items() >= counts.items()
    assert sliced.column_names[len(plain.column_names) :] == [f"in {name}" for name in SHARES]


def test_a_split_made_from_another_has_its_slices():
    train, test = dataset(200)
    index, _ = cut(200, SHARES)
    label = pa.array(np.zeros(200), pa.int16())
    made = splits.replaced(index, train.set_column(0, "label", label), test, dataset="other")
    for name in SHARES:
        rows = splits.rows_of(made, name)
        assert rows["index"].equals(splits.rows_of(index, name)["index"])
        assert set(rows["label"].to_pylist()) == {0}


@pytest.mark.parametrize(
    ("n", "parts", "message"),
    [
        (100, {"a": [0.5, 0.505]}, "splits.parts.a: expected one of the 100 training images or "
            "more, found none; widen it, or use a larger dataset"),
        (20, {"A": [0, 0.5], "B": [0.125, 0.625]}, "splits.parts: expected A and B to have 75.0% "
            "of their images in common, found 80.0%, as whole images of 20 give no closer share; "
            "use a larger dataset, or other shares"),
    ],
)  # fmt: skip
def test_slices_that_whole_images_do_not_give_are_refused_in_one_line(n, parts, message):
    with pytest.raises(InputError) as error:
        cut(n, parts)
    assert str(error.value) == f"config: {message}"


def test_a_point_that_whole_images_miss_is_near_enough():
    order = np.arange(100)  # 12 to 62 of 100 have 76% of their images in common with 0 to 50
    found = _slices.cut(order, {"A": [0, 0.5], "B": [0.125, 0.625]})
    assert [len(rows) for rows in found.values()] == [50, 50]


def test_a_slice_without_a_class_is_named():
    index, _ = cut(200, {"thin": [0.5, 0.51]})
    with pytest.raises(InputError, match="part thin: expected images of every class, found none"):
        splits.check_classes(index, ["thin"])
