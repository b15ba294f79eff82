import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from blindspots import datasets
from blindspots.config.check import check
from blindspots.datasets.folder import folder
from blindspots.interface import InputError
from tests.configs import SCHEMA, full


def fill(path, classes=("ant", "bee"), n=5, size=(12, 8)):
    for number, name in enumerate(classes):
        (path / name).mkdir(parents=True)
        for i in range(n):
            colour = (255 * number, 10 * i, 0)
            Image.new("RGB", size, colour).save(path / name / f"{i}.png")


def test_a_stratified_share_of_a_folder_of_classes_is_held_out(tmp_path):
    fill(tmp_path)
    data = folder(root=str(tmp_path), size=6, test_share=0.4)
    assert data.classes == 2
    assert data.train.images.shape == (6, 3, 6, 6)
    assert sorted(data.test.labels) == [0, 0, 1, 1]
    assert data.train.images.dtype == np.float32
    assert np.array_equal(data.test.images[:, 0, 0, 0], data.test.labels)  # red is the bees'
    again = folder(root=str(tmp_path), size=6, test_share=0.4)
    assert np.array_equal(again.test.images, data.test.images)


def test_folders_of_training_and_held_out_images_are_kept_apart(tmp_path):
    fill(tmp_path / "train", n=4)
    fill(tmp_path / "val", n=2)
    images, labels = datasets.load("folder", root=str(tmp_path), size=4)
    assert images.shape == (4, 3, 4, 4)
    assert labels.tolist() == [0, 0, 1, 1]


def test_an_image_is_cropped_to_its_middle_square(tmp_path):
    fill(tmp_path, n=2)
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 255
    Image.fromarray(wide).save(tmp_path / "ant" / "0.png")
    data = folder(root=str(tmp_path), size=4, test_share=0.5)
    both = np.concatenate([data.train.images, data.test.images])
    assert (both == 1).all(axis=(1, 2, 3)).sum() == 1


def test_images_stay_as_they_are_and_grey_where_it_is_asked_for(tmp_path):
    fill(tmp_path, n=3)
    data = folder(root=str(tmp_path), size=None, grey=True, test_share=0.4)
    assert data.train.images.shape[1:] == (1, 8, 12)
    Image.new("RGB", (5, 5)).save(tmp_path / "bee" / "1.png")
    with pytest.raises(InputError, match=r"bee/1\.png: expected an image of 12 × 8 pixels as the"):
        folder(root=str(tmp_path), size=None)
    fill(tmp_path / "both" / "train", n=2)
    fill(tmp_path / "both" / "test", n=2, size=(4, 4))
    with pytest.raises(InputError, match=r"of \(3, 8, 12\) as in training, found \(3, 4, 4\)"):
        folder(root=str(tmp_path / "both"), size=None)


def test_hidden_folders_and_files_are_no_classes_and_no_images(tmp_path):
    fill(tmp_path)
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / "ant" / ".DS_Store").write_bytes(b"no image")
    data = folder(root=str(tmp_path), size=4, test_share=0.4)
    assert (data.classes, len(data.train.images)) == (2, 6)


def chunk(kind, content):
    size, check = (struct.pack(">I", n) for n in (len(content), zlib.crc32(kind + content)))
    return size + kind + content + check


@pytest.mark.parametrize(("colours", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_a_png_with_16_bits_per_channel_is_refused(tmp_path, colours, channels):
    fill(tmp_path)
    head = struct.pack(">IIBBBBB", 1, 1, 16, colours, 0, 0, 0)
    pixel = zlib.compress(b"\0" + b"\x02\xbc" * channels)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    (tmp_path / "ant" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    with pytest.raises(InputError, match=r"0\.png: expected 8 bits per channel, found an image of"):
        folder(root=str(tmp_path))


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: expected a folder with a sub.* found 0"):
        folder(root=str(tmp_path / "nowhere"))
    fill(tmp_path)
    (tmp_path / "ant" / "0.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"0\.png: expected an image, found what cannot be read"):
        folder(root=str(tmp_path))
    (tmp_path / "cow").mkdir()
    with pytest.raises(InputError, match="cow: expected at least one image"):
        folder(root=str(tmp_path))


def test_classes_that_only_one_part_has_are_named(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", classes=("ant", "bee", "cow"))
    with pytest.raises(InputError, match="only one of the two has 'cow'"):
        folder(root=str(tmp_path))


def test_a_share_that_leaves_a_class_out_is_named(tmp_path):
    fill(tmp_path, n=2)
    with pytest.raises(InputError, match=r"data\.test_share: expected a share that leaves"):
        folder(root=str(tmp_path), size=4, test_share=0.1)


def test_a_share_a_seed_or_a_size_that_is_none_is_named(tmp_path):
    fill(tmp_path)
    for share in (0, 1, 20, -0.1):
        with pytest.raises(InputError, match=rf"data\.test_share: expected .* found {share}$"):
            folder(root=str(tmp_path), size=4, test_share=share)
    for seed in (-1, 2**32):
        with pytest.raises(InputError, match=rf"data\.seed: expected 0 to .* found {seed}$"):
            folder(root=str(tmp_path), size=4, seed=seed)
    for size in (0, -1):
        with pytest.raises(InputError, match=rf"data\.size: expected at least 1 .* found {size}$"):
            folder(root=str(tmp_path), size=size)


def test_hidden_folders_are_no_classes(tmp_path):
    fill(tmp_path, classes=("ant", "bee", ".ipynb_checkpoints"))
    assert folder(root=str(tmp_path), size=4).classes == 2


def test_no_image_is_left_out_in_silence(tmp_path):
    fill(tmp_path)
    (tmp_path / "ant" / "9.png").symlink_to(tmp_path / "not fetched.png")
    with pytest.raises(InputError, match=r"9\.png: expected an image, found a link to .*fetched"):
        folder(root=str(tmp_path), size=4)
    (tmp_path / "ant" / "9.png").unlink()
    fill(tmp_path / "bee", classes=("more",))
    with pytest.raises(InputError, match="bee/more: expected images alone in the folder of a cl"):
        folder(root=str(tmp_path), size=4)


def test_colours_of_more_than_8_bits_are_refused(tmp_path):
    fill(tmp_path)
    rows = b"".join(b"\0" + bytes(range(6 * 12)) for _ in range(8))  # 12 × 8 pixels
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", 12, 8, 16, 2, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    png = b"\x89PNG\r\n\x1a\n"
    for kind, data in parts.items():
        png += struct.pack(">I", len(data)) + kind + data
        png += struct.pack(">I", zlib.crc32(kind + data))
    (tmp_path / "bee" / "9.png").write_bytes(png)
    with pytest.raises(InputError, match=r"9\.png: expected 8 bits per channel, .* RGB;16B"):
        folder(root=str(tmp_path), size=4)


def test_another_folder_is_another_dataset():
    raw = full("presets/digits.yaml")

    def name(root):
        raw["data"] = {"method": "folder", "root": root, "size": 64}
        return next(iter(check(raw, SCHEMA)["datasets"]))

    assert name("a") == name("a") != name("b")


def test_classes_are_called_as_their_folders(tmp_path):
    fill(tmp_path / "a", classes=("bee", "ant"))
    fill(tmp_path / "b" / "train")
    fill(tmp_path / "b" / "test")
    for part in "ab":
        assert folder(root=str(tmp_path / part), size=4).names == ["ant", "bee"]


@pytest.mark.parametrize("what", ["an image", "a class", "a part"])
def test_links_out_of_the_folder_are_not_followed(tmp_path, what):
    root, elsewhere = tmp_path / "data" / "images", tmp_path / "home"
    fill(root / "train")
    fill(root / "test")
    fill(elsewhere / "test", classes=("ant", "bee"))
    link, target = {
        "an image": (root / "train/ant/9.png", elsewhere / "test/ant/0.png"),
        "a class": (root / "test/ant", elsewhere / "test/ant"),
        "a part": (root / "test", elsewhere / "test"),
    }[what]
    if link.exists():
        link.rename(tmp_path / "aside")
    link.symlink_to(target)
    with pytest.raises(
        InputError, match=r"expected images inside of .*, found a link out of it, to"
    ):
        folder(root=str(root), size=4)


def test_links_inside_of_the_folder_and_to_it_are_followed(tmp_path):
    fill(tmp_path / "images")
    (tmp_path / "images/ant/9.png").symlink_to("../bee/0.png")
    (tmp_path / "linked [1]").symlink_to("images")
    data = folder(root=str(tmp_path / "linked [1]"), size=4)
    assert len(data.train.labels) + len(data.test.labels) == 11
