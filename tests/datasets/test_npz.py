import zipfile

import numpy as np
import pytest

from blindspots.datasets import _images
from blindspots.datasets.npz import npz
from blindspots.interface import InputError


def arrays(n=4, shape=(3, 2), dtype=np.uint8):
    values = np.arange(n * np.prod(shape)).reshape(n, *shape).astype(dtype)
    labels = np.arange(n) % 2
    return {"x_train": values, "y_train": labels, "x_test": values[:2], "y_test": labels[:2]}


def written(path, **changed):
    np.savez(path, **(arrays() | changed))
    return str(path)


def test_bytes_become_numbers_between_0_and_1(tmp_path):
    data = npz(file=written(tmp_path / "a.npz"))
    assert data.train.images.shape == (4, 1, 3, 2)
    assert data.train.images.dtype == np.float32
    assert np.array_equal(data.train.images.ravel(), np.arange(24, dtype=np.float32) / 255)
    assert data.train.labels.tolist() == [0, 1, 0, 1]
    assert (data.classes, len(data.test.images)) == (2, 2)


def test_channels_are_last_unless_it_is_said_that_they_are_first(tmp_path):
    x = np.random.default_rng(0).random((4, 5, 6, 3), dtype=np.float32)
    y = np.array([[0], [1], [1], [0]], np.uint8)
    last = npz(file=written(tmp_path / "a.npz", x_train=x, x_test=x, y_train=y, y_test=y))
    assert last.train.images.shape == (4, 3, 5, 6)
    assert np.array_equal(last.train.images[1, 2], x[1, :, :, 2])
    first = {"x_train": np.moveaxis(x, 3, 1), "x_test": np.moveaxis(x, 3, 1)}
    file = written(tmp_path / "b.npz", **first, y_train=y, y_test=y)
    assert np.array_equal(npz(file=file, channels="first").train.images, last.train.images)
    with pytest.raises(InputError, match=r"found shape \(4, 6, 3, 5\), channels second; set data"):
        npz(file=file)


def test_arrays_may_have_other_names(tmp_path):
    own = arrays()
    np.savez(tmp_path / "a.npz", a=own["x_train"], b=own["y_train"])
    data = npz(file=str(tmp_path / "a.npz"), x_train="a", y_train="b", x_test="a", y_test="b")
    assert np.array_equal(data.train.images, data.test.images)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_train": np.zeros((4, 6), np.uint8)}, r"'x_train': expected images \(n, height, wid"),
        ({"x_train": np.full((4, 3, 2), 16, np.int64)}, "'x_train': expected bytes .* found int64"),
        ({"x_train": np.full((4, 3, 2), 1.5)}, r"numbers in \[0, 1\], found 1.5 to 1.5; scale"),
        ({"x_train": np.full((4, 3, 2), np.nan)}, r"numbers in \[0, 1\], found nan"),
        ({"x_train": np.eye(12).reshape(4, 6, 6) > 0}, "found bool"),
        ({"x_train": np.eye(12).reshape(4, 6, 6).astype(np.uint8)}, "0 to 255, .* none above 1"),
        (
            {"x_train": np.zeros((4, 0, 2), np.uint8)},
            r"expected images .* found shape \(4, 1, 0, 2",
        ),
        (
            {"x_train": np.zeros((40_000, 1, 1), np.uint8), "y_train": np.arange(40_000)}
            | {"x_test": np.zeros((2, 1, 1), np.uint8)},
            "expected at most 32768 classes, found 40000",
        ),
        ({"y_train": np.array([0, 1, 1])}, "as many labels in 'y_train' as images in 'x_train', 4"),
        ({"y_train": np.array([0, 1, 0.5, 1])}, "'y_train': expected integers .* found float64"),
        (
            {"y_train": np.eye(4, dtype=int)},
            r"found int64 of shape \(4, 4\); number .* take the argmax",
        ),
        ({"y_train": np.array([0, 3, 1, 1])}, "found no label 2"),
        ({"y_test": np.array([0, 2])}, "expected test labels from 0 to 1, as in training, found 2"),
        (
            {"x_test": np.zeros((2, 9, 9), np.uint8)},
            r"'x_test': expected images .* \(1, 3, 2\) as in",
        ),
        (
            {"x_test": np.zeros((0, 3, 2), np.uint8), "y_test": np.zeros(0, int)},
            "expected test images, found none",
        ),
        ({"y_train": np.array([0, "a", None, {}], dtype=object)}, "plain arrays, found one that"),
    ],
)
def test_bad_arrays_are_named(tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        npz(file=written(tmp_path / "a.npz", **changed))


def test_files_that_are_missing_or_no_archives_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no\.npz: expected an \.npz file, found none; correct t"):
        npz(file=str(tmp_path / "no.npz"))
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"a\.npy: expected an \.npz file of plain arrays"):
        npz(file=str(tmp_path / "a.npy"))
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match=r"b\.npz: expected an \.npz file of plain arrays"):
        npz(file=str(tmp_path / "b.npz"))
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        for name in arrays():
            archive.writestr(name, "no array")
    with pytest.raises(InputError, match=r"of plain arrays, .*members that are not arrays"):
        npz(file=str(tmp_path / "text.npz"))
    np.savez(tmp_path / "c.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="expected an array 'x_train', found x; name the arrays"):
        npz(file=str(tmp_path / "c.npz"))
    with pytest.raises(InputError, match="expected 'first' or 'last', found 'middle'"):
        npz(file=str(tmp_path / "c.npz"), channels="middle")


def test_arrays_that_do_not_fit_in_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    zeros = np.zeros((2000, 28, 28), np.uint8)
    labels = np.arange(2000) % 2
    np.savez_compressed(
        tmp_path / "a.npz", x_train=zeros, y_train=labels, x_test=zeros, y_test=labels
    )
    monkeypatch.setattr(_images.psutil, "virtual_memory", lambda: type("", (), {"available": 3e6}))
    assert (tmp_path / "a.npz").stat().st_size < 1e5
    with pytest.raises(InputError, match=r"a\.npz: expected images that fit in memory"):
        npz(file=str(tmp_path / "a.npz"))


def test_a_header_that_lies_about_the_size_is_refused(tmp_path):
    vast = np.lib.format.header_data_from_array_1_0(np.zeros(1, np.uint8)) | {"shape": (10**15,)}
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as new:
        for name in arrays():
            with new.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array_header_1_0(member, vast)
    with pytest.raises(InputError, match=r"b\.npz: expected an \.npz file of plain arrays"):
        npz(file=str(tmp_path / "b.npz"))
