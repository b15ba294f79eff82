"""Images by row: only the needed row groups are read, and compared with the split."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from blindspots.datasets import table
from blindspots.files import images, parquet, splits, tables
from blindspots.interface import UNIT_BOX, InputError, Part

SHAPE = (1, 16, 16)
PIXELS = np.random.default_rng(0).random((6000, *SHAPE), dtype=np.float32)


def written(folder, n, group=table.GROUP, monkeypatch=None):
    """Write a prepared file of n images and their split."""
    folder.mkdir(parents=True)
    part = Part(PIXELS[:n], np.arange(n) % 3)
    if monkeypatch:
        monkeypatch.setattr(table, "GROUP", group)
    known = table.write(folder / "test.parquet", part, 3, UNIT_BOX, {}, dataset="toy")
    index, _ = splits.split(known.slice(0, 3), known, p1=0, p2=0, validation=0, seed=1)
    tables.write(folder / "split.parquet", index, {})
    return folder


def read(folder, *options):
    return images.read(folder / "test.parquet", folder / "split.parquet", "test", *options)


def test_a_few_images_of_many_are_read_from_as_many_bytes_however_many_there_are(tmp_path, groups):
    n, sums = 4, []
    for size in (1500, 3000, 6000):
        groups.clear()
        data = read(written(tmp_path / str(size), size), n)
        assert groups == []  # nothing is read before it is needed
        assert np.array_equal(data.images, PIXELS[data.rows])
        assert len(groups) <= n
        sums.append(sum(rows * PIXELS[0].nbytes for _, _, rows in groups))
    assert max(sums) <= n * table.GROUP < PIXELS[:1500].nbytes / 2


def test_all_images_in_chunks_are_those_read_at_once(tmp_path):
    data = read(written(tmp_path / "a", 700))
    parts = list(data.chunks(256))
    assert [len(part) for part in parts] == [256, 256, 188]
    assert torch.equal(torch.cat([part.images for part in parts]), data.images)
    assert torch.equal(data.images, torch.from_numpy(PIXELS[data.rows]))
    assert np.array_equal(np.concatenate([part.rows for part in parts]), data.rows)
    assert torch.equal(data.labels, torch.from_numpy(data.rows % 3))


def test_a_training_is_given_what_a_tensor_would_give_it(tmp_path):
    data = read(written(tmp_path / "a", 700))
    stack, tensor, places = data.stack, data.images, torch.tensor([600, 3, 3, 511])
    assert not isinstance(stack, torch.Tensor)
    assert (len(stack), stack.shape, stack.device) == (700, tensor.shape, tensor.device)
    assert torch.equal(stack[places], tensor[places])
    parts, expected = stack.split(128), tensor.split(128)
    assert len(parts) == len(expected)
    for one, other in zip([*parts, *parts], [*expected, *expected], strict=True):
        assert torch.equal(one, other)


def test_stacks_that_are_joined_give_what_their_tensors_would(tmp_path):
    first, second = read(written(tmp_path / "a", 30)).stack, torch.rand(7, *SHAPE)
    assert isinstance(first, images.Deferred)
    whole, tensor = images.joined(first, second, first), torch.cat([first[:], second, first[:]])
    places = torch.randperm(67)[:40]
    assert torch.equal(whole[places], tensor[places])
    assert torch.equal(whole[28:40], tensor[28:40])
    assert (len(whole), whole.shape) == (67, tensor.shape)
    assert torch.equal(images.joined(second, second), torch.cat([second, second]))


def test_images_are_held_where_they_take_no_more_than_they_may(tmp_path):
    data = read(written(tmp_path / "a", 100))
    size = 100 * PIXELS[0].nbytes
    assert not isinstance(data.held(size - 1).stack, torch.Tensor)
    assert torch.equal(data.held(size).stack, data.images)


def test_files_with_other_row_groups_are_read_as_well(tmp_path, monkeypatch):
    expected = read(written(tmp_path / "a", 700)).images
    large = written(tmp_path / "b", 700, 2**22, monkeypatch)
    assert pa.parquet.ParquetFile(large / "test.parquet").num_row_groups == 1
    assert torch.equal(read(large).images, expected)


def test_files_of_older_versions_are_read_as_well(tmp_path):
    """Their checksum lies in the schema's metadata, and their row groups were larger."""
    folder = written(tmp_path / "a", 300)
    expected = read(folder).images
    for path in (folder / "test.parquet", folder / "split.parquet"):
        file = pa.parquet.ParquetFile(path)
        said = {n: file.metadata.metadata[n] for n in (parquet.METADATA, parquet.CHECK)}
        whole = file.read().replace_schema_metadata(said)
        pa.parquet.write_table(whole, path, compression="zstd", write_page_checksum=True)
    assert torch.equal(read(folder).images, expected)


def test_an_image_that_was_changed_is_refused_with_its_row_when_it_is_read(tmp_path):
    folder = written(tmp_path / "a", 300)
    path, row = folder / "test.parquet", 250
    whole = tables.read(path)
    pixels = tables.images(whole).copy()
    pixels[row, 0, 3, 3] = 0.5
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(pixels)
    changed = whole.set_column(2, whole.schema.field("image"), column).replace_schema_metadata()
    tables.write(path, changed, tables.metadata(whole))
    data = read(folder)
    kept = data.at(np.flatnonzero(data.rows != row))
    assert np.array_equal(kept.images, PIXELS[kept.rows])
    with pytest.raises(InputError, match=r"test\.parquet: row 250: expected an image with sha256"):
        list(data.chunks(64))
    with pytest.raises(InputError, match=r"row 250: .* the file was changed: delete it"):
        list(images.whole(path, "test").chunks(64))


def test_more_images_than_a_part_has_are_refused(tmp_path):
    folder = written(tmp_path / "a", 50)
    with pytest.raises(InputError, match=r"expected n to be at most 50, the images in part 'test'"):
        read(folder, 51)
