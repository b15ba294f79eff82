"""Users' image files are read upright; files that are not images are refused."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from blindspots.datasets import _images
from blindspots.datasets._images import decoded
from blindspots.interface import InputError


def photograph(orientation, kind="JPEG"):
    """An image of eight by six pixels in four colours, with a tag for the camera's orientation."""
    colours = np.array([[[250, 5, 5], [5, 250, 5]], [[5, 5, 250], [250, 250, 5]]], np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    pixels = np.kron(colours, np.ones((3, 4, 1), np.uint8))
    Image.fromarray(pixels).save(stream, kind, exif=exif, quality=95)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_stand_as_viewers_show_them(tmp_path, orientation, kind):
    content = photograph(orientation, kind)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    (tmp_path / "a.jpg").write_bytes(content)
    for source in (content, tmp_path / "a.jpg"):
        (found,) = decoded([("a", source)], size=None, grey=False)
        assert np.array_equal(found, np.asarray(shown, np.float32).transpose(2, 0, 1) / 255)


def test_an_image_with_broken_tags_is_as_it_is_stored():
    stream = io.BytesIO()
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    Image.fromarray(pixels).save(stream, "PNG", exif=b"Exif\0\0 no tags at all")
    (found,) = decoded([("a", stream.getvalue())], size=None, grey=True)
    assert np.array_equal(found[0], pixels.astype(np.float32) / 255)


def test_no_program_is_started_to_draw_an_image(monkeypatch):
    started = []
    monkeypatch.setattr("subprocess.check_call", lambda *a, **k: started.append(a))
    monkeypatch.setattr("subprocess.Popen", lambda *a, **k: started.append(a))
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    with pytest.raises(InputError, match=r"^a: expected an image, .*\(no known format\)"):
        decoded([("a", drawing)], size=None, grey=True)
    assert not started


def chunk(kind, content):
    size, check = (struct.pack(">I", n) for n in (len(content), zlib.crc32(kind + content)))
    return size + kind + content + check


@pytest.mark.parametrize("side", [10_000, 100_000])
def test_an_image_that_says_to_be_vast_is_refused_before_it_is_read(side):
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match=r"^a: expected an image") as caught:
        decoded([("a", content)], size=8, grey=True)
    assert "pixels" in str(caught.value)


def test_images_that_do_not_fit_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr(_images.psutil, "virtual_memory", lambda: type("", (), {"available": 500}))
    images = [(name, photograph(1)) for name in "abc"]
    with pytest.raises(InputError, match=r"^a: expected images that fit in memory together, found"):
        decoded(images, size=None, grey=False)
    assert decoded(images, size=4, grey=True).shape == (3, 1, 4, 4)


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: expected an image, found no regular file"):
        decoded([("a.png", tmp_path / "a.png")], size=None, grey=True)
    (tmp_path / "b.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(InputError, match=r"b\.png: expected an image, found a Git LFS pointer"):
        decoded([("b.png", tmp_path / "b.png")], size=None, grey=True)
