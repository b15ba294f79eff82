"""MNIST's files: real ones if available, small ones of the same format everywhere."""

import gzip
import hashlib
import struct
import sys

import numpy as np
import pytest

from blindspots.datasets import _idx
from blindspots.datasets.mnist import MD5, mnist
from blindspots.interface import InputError


def idx(array):
    header = b"\x00\x00\x08" + bytes([array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """A data set "Small" of 6 + 4 images in torchvision's layout, and its checksums."""
    rng = np.random.default_rng(0)
    raw = tmp_path / "Small" / "raw"
    raw.mkdir(parents=True)
    md5 = {}
    for part, n in (("train", 6), ("test", 4)):
        images, labels = _idx.FILES[part]
        for name, array in (
            (images, rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)),
            (labels, rng.integers(0, 10, n, dtype=np.uint8)),
        ):
            content = idx(array)
            (raw / name).write_bytes(content)
            md5[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return tmp_path, raw, md5


def test_reads_images_in_the_unit_box(folder):
    root, _, md5 = folder
    data = _idx.load("Small", str(root), md5)
    assert data.train.images.shape == (6, 1, 28, 28)
    assert data.test.labels.shape == (4,)
    assert 0 <= data.train.images.min() < data.train.images.max() <= 1


def test_the_environment_variable_names_the_folder(folder, monkeypatch):
    root, _, md5 = folder
    monkeypatch.setenv("BLINDSPOTS_DATA", str(root))
    assert len(_idx.load("Small", None, md5).train.labels) == 6


def test_compressed_files_are_read_too(folder):
    root, raw, md5 = folder
    expected = _idx.load("Small", str(root), md5)
    for path in list(raw.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert np.array_equal(_idx.load("Small", str(root), md5).train.images, expected.train.images)


@pytest.mark.parametrize("place", [3, 14, -6])
def test_a_damaged_compressed_file_is_named(folder, place):
    root, raw, md5 = folder
    path = raw / "train-labels-idx1-ubyte"
    content = bytearray(gzip.compress(path.read_bytes() * 9))
    content[place] ^= 0xFF
    path.with_name(path.name + ".gz").write_bytes(content)
    path.unlink()
    with pytest.raises(InputError, match=f"{path.name}.*expected") as error:
        _idx.load("Small", str(root), md5)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", [name for files in _idx.FILES.values() for name in files])
def test_an_altered_file_is_named_with_both_checksums(folder, name):
    root, raw, md5 = folder
    content = bytearray((raw / name).read_bytes())
    content[-1] ^= 1
    (raw / name).write_bytes(content)
    with pytest.raises(
        InputError, match=rf"{name}: expected md5 {md5[name]}, found .*fetch it again"
    ):
        _idx.load("Small", str(root), md5)


def test_a_truncated_file_without_a_known_checksum_is_found_by_its_size(folder):
    root, raw, _ = folder
    path = raw / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="expected 4704 values, found 4703"):
        _idx.load("Small", str(root), {})


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\x08", b"\0\0\x08\x01" + struct.pack(">I", 6), b"\0\0\x09\x03" + bytes(12),
     b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**31, 4)],
)  # fmt: skip
def test_a_file_of_another_form_is_named_in_one_line(folder, content):
    root, raw, _ = folder
    (raw / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte: expected .*again"):
        _idx.load("Small", str(root), {})


def test_a_missing_file_names_both_remedies(tmp_path):
    with pytest.raises(InputError, match=r"data\.root or BLINDSPOTS_DATA .*unset both to download"):
        mnist(root=str(tmp_path))


def test_neither_found_nor_downloadable_names_both_remedies(tmp_path, monkeypatch):
    torchvision = pytest.importorskip("torchvision")

    def refused(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.delenv("BLINDSPOTS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torchvision.datasets, "MNIST", refused)
    with pytest.raises(InputError) as error:
        mnist()
    for part in ("no route to host", "data.root", "BLINDSPOTS_DATA", "connect to the internet"):
        assert part in str(error.value)


def test_a_download_without_a_torchvision_that_fits_names_the_folder_as_a_remedy(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("BLINDSPOTS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(InputError, match=r"torchvision .*data\.root"):
        mnist()


def test_the_real_files_are_the_original_ones(shared_data):
    data = mnist(root=str(shared_data))
    assert data.train.images.shape == (60_000, 1, 28, 28)
    assert np.bincount(data.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    for name, md5 in MD5.items():
        content = (shared_data / "MNIST" / "raw" / name).read_bytes()
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == md5
