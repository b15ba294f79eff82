import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from blindspots.config.check import check
from blindspots.datasets.parquet import parquet
from blindspots.interface import InputError
from tests.configs import SCHEMA, full


def encoded(value, size=(4, 3), mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, size, value).save(buffer, "PNG")
    return buffer.getvalue()


def write(path, labels, images=None, struct=True, names=("image", "label")):
    if images is None:
        images = [encoded((10 * row, 0, 0)) for row in range(len(labels))]
    if struct and isinstance(images, list):
        images = [{"bytes": image, "path": None} for image in images]
    pq.write_table(pa.table({names[0]: images, names[1]: labels}), path)
    return str(path)


def test_shards_are_read_in_the_order_of_their_names(tmp_path):
    write(tmp_path / "train-1.parquet", [1, 0])
    write(tmp_path / "train-0.parquet", [0, 1, 2])
    test = write(tmp_path / "test.parquet", [2], struct=False)
    data = parquet(train=str(tmp_path / "train-*.parquet"), test=test)
    assert data.classes == 3
    assert data.train.labels.tolist() == [0, 1, 2, 1, 0]
    assert data.train.images.shape == (5, 3, 3, 4)
    assert data.train.images.dtype == np.float32
    red = data.train.images[:, 0, 0, 0] * 255
    assert np.allclose(red, [0, 10, 20, 0, 10], atol=1e-4)
    assert data.test.labels.tolist() == [2]


@pytest.mark.parametrize("dictionary", [False, True])
def test_text_labels_are_numbered_in_the_alphabetical_order_of_the_training_set(
    tmp_path, dictionary
):
    words = pa.array(["cow", "ant", "bee", "ant"])
    train = write(tmp_path / "a.parquet", words.dictionary_encode() if dictionary else words)
    test = write(tmp_path / "b.parquet", ["bee", "cow"])
    data = parquet(train=train, test=test)
    assert data.train.labels.tolist() == [2, 0, 1, 0]
    assert data.test.labels.tolist() == [1, 2]


def test_a_stratified_share_is_the_test_set_where_none_is_named(tmp_path):
    file = write(tmp_path / "a.parquet", [0, 1] * 5, names=("img", "fine_label"))
    data = parquet(train=file, image="img", label="fine_label", test_share=0.2)
    assert sorted(data.test.labels) == [0, 1]
    assert len(data.train.labels) == 8
    red = np.concatenate([data.train.images, data.test.images])[:, 0, 0, 0] * 25.5
    assert np.array_equal(
        np.round(red) % 2, np.concatenate([data.train.labels, data.test.labels])
    )  # images stay with their labels


def test_images_are_grey_and_scaled_where_it_is_asked_for(tmp_path):
    images = [encoded(0, (9, 5), "L"), encoded((255, 255, 255), (5, 7))]
    file = write(tmp_path / "a.parquet", [0, 1], images)
    data = parquet(train=file, test=file, size=5, grey=True)
    assert data.train.images.shape == (2, 1, 5, 5)
    assert data.train.images[:, 0, 0, 0].tolist() == [0, 1]


LABELS = [0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"images": [encoded(0, mode="L"), b"no image"]},
            r"row 1: expected .* \(no known format\)",
        ),
        ({"images": [encoded(0, mode="L"), None]}, r"a\.parquet, row 1: expected the bytes of an"),
        (
            {"images": [encoded(0, mode="L"), encoded(0, (7, 3), "L")]},
            r"row 1: expected an image of 4 × 3 pixels as the first, .*row 0, found 7 × 3; .*size",
        ),
        (
            {"images": [encoded(0, mode="L"), encoded(700, mode="I;16")]},
            r"row 1: expected 8 bits per channel, found an image of mode I;16",
        ),
        ({"labels": [0, 2]}, r"expected labels 0, 1, … up to the largest, 2, .* found no label 1"),
        ({"labels": [0, -1]}, "found label -1"),
        ({"labels": [0, None]}, r"column 'label', row 1: expected a label, found none"),
        ({"labels": [0.5, 1.0]}, "column 'label': expected integers or text, found double"),
        ({"labels": [0, 0]}, "expected at least two classes"),
        ({"names": ("img", "label")}, r"expected a column 'image', found img, label; name the"),
        (
            {"labels": pa.array([], pa.int64()), "images": pa.array([], pa.binary())},
            "expected training images, found none",
        ),
    ],
)
def test_bad_files_are_named_with_the_row(tmp_path, change, message):
    file = write(tmp_path / "a.parquet", **({"labels": LABELS} | change))
    with pytest.raises(InputError, match=message):
        parquet(train=file, test=file)


def test_labels_and_images_of_the_test_set_must_be_as_in_training(tmp_path):
    train = write(tmp_path / "a.parquet", [0, 1])
    other = write(tmp_path / "b.parquet", [0, 2])
    with pytest.raises(InputError, match=r"expected test labels from 0 to 1, .* found 2"):
        parquet(train=train, test=other)
    with pytest.raises(InputError, match="labels of one type in training and test"):
        parquet(train=train, test=write(tmp_path / "c.parquet", ["ant", "bee"]))
    with pytest.raises(InputError, match=r"of \(3, 3, 4\) as in .* found \(3, 2, 2\)"):
        parquet(
            train=train, test=write(tmp_path / "d.parquet", [0], [encoded(0, (2, 2), mode="L")])
        )
    words = write(tmp_path / "e.parquet", ["ant", "bee"])
    with pytest.raises(InputError, match="test labels that training images have, found 'cow'"):
        parquet(train=words, test=write(tmp_path / "f.parquet", ["cow"]))


def test_files_that_are_missing_or_damaged_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no-\*\.parquet: expected a Parquet file, or a pattern"):
        parquet(train=str(tmp_path / "no-*.parquet"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"a\.parquet: expected a whole Parquet file"):
        parquet(train=str(tmp_path / "a.parquet"))
    file = tmp_path / "b.parquet"
    pq.write_table(pa.table({"image": [[1, 2]], "label": [0]}), file)
    with pytest.raises(InputError, match="expected bytes, or structs with a field bytes, found"):
        parquet(train=str(file))
    with pytest.raises(InputError, match=r"data\.label: expected another column .* 'image'"):
        parquet(train=str(file), label="image")


def test_another_file_is_another_dataset():

    raw = full("presets/digits.yaml")

    def name(file):
        raw["data"] = {"method": "parquet", "train": file, "size": None}
        return next(iter(check(raw, SCHEMA)["datasets"]))

    assert name("a.parquet") == name("a.parquet") != name("b.parquet")


def test_text_and_bytes_are_read_in_every_layout_that_arrow_has_for_them(tmp_path):
    images, words = [encoded(0, mode="L"), encoded(255, mode="L")] * 2, ["cow", "ant"] * 2
    for text, binary in [
        (pa.string(), pa.binary()),
        (pa.large_string(), pa.large_binary()),
        (pa.string_view(), pa.binary_view()),
        (pa.dictionary(pa.int8(), pa.string()), pa.binary_view()),
    ]:
        file = write(
            tmp_path / "a.parquet",
            pa.array(words).cast(text),
            pa.array(images, pa.binary()).cast(binary),
        )
        data = parquet(train=file, test=file)
        assert data.train.labels.tolist() == [1, 0, 1, 0]
        assert data.train.images[:, 0, 0, 0].tolist() == [0, 1, 0, 1]
        assert data.names == ["ant", "cow"]


def test_labels_are_as_long_as_they_are(tmp_path):
    words = ["a", "a\0", "a" * 10_000]
    file = write(tmp_path / "a.parquet", words)
    assert parquet(train=file, test=file).names == sorted(words)


def test_a_path_is_a_pattern_where_there_is_no_such_file_alone(tmp_path):
    folder = tmp_path / "cifar [small]"
    folder.mkdir()
    file = write(folder / "train*.parquet", [0, 1])
    write(folder / "train1.parquet", [0, 1, 2])
    assert len(parquet(train=file, test=file).train.labels) == 2
    with pytest.raises(
        InputError, match="expected a Parquet file, or a pattern of some, found none"
    ):
        parquet(train=str(folder / "train?.parquet"))


def test_a_fault_of_the_test_set_names_its_file(tmp_path):
    train, test = write(tmp_path / "a.parquet", [0, 1]), write(tmp_path / "b.parquet", [-1, -1])
    with pytest.raises(
        InputError, match=r"b\.parquet: column 'label': expected test labels from 0"
    ):
        parquet(train=train, test=test)


def named(path, labels, names, key="label"):
    """Write a file in the form of Hugging Face's datasets."""
    info = {"info": {"features": {key: {"names": names, "_type": "ClassLabel"}}}}
    write(path, labels)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), path)
    return str(path)


def test_names_of_classes_are_those_of_the_schema(tmp_path):
    names = ["cat", "dog", "never seen"]
    train = named(tmp_path / "a-0.parquet", [0, 1], names)
    named(tmp_path / "a-1.parquet", [1, 0], names)
    plain = write(tmp_path / "b.parquet", [1])
    assert parquet(train=str(tmp_path / "a-*.parquet"), test=plain).names == ["cat", "dog"]
    assert parquet(train=plain_of(tmp_path), test=train).names is None  # of the training set alone
    other = named(tmp_path / "c.parquet", [1], ["dog", "cat", "never seen"])
    with pytest.raises(
        InputError, match=r"c\.parquet: expected a schema with the classes cat, dog"
    ):
        parquet(train=train, test=other)
    named(tmp_path / "a-2.parquet", [1, 0], ["dog", "cat"])
    with pytest.raises(
        InputError, match=r"a-2\.parquet: .* found dog, cat: equal labels mean other"
    ):
        parquet(train=str(tmp_path / "a-*.parquet"), test=plain)


def plain_of(folder):
    return write(folder / "plain.parquet", [0, 1])


@pytest.mark.parametrize("names", [["cat"], "cat, dog", [1, 2], None, {"0": "cat"}])
def test_what_are_no_names_for_all_classes_is_left_out(tmp_path, names):
    file = named(tmp_path / "a.parquet", [0, 1], names)
    assert parquet(train=file, test=file).names is None


@pytest.mark.parametrize("told", ["no JSON", "[" * 10_000, "[]", '{"info": 3}'])
def test_metadata_that_says_anything_else_is_left_out(tmp_path, told):
    write(tmp_path / "a.parquet", [0, 1])
    table = pq.read_table(tmp_path / "a.parquet").replace_schema_metadata({"huggingface": told})
    pq.write_table(table, tmp_path / "a.parquet")
    assert parquet(train=str(tmp_path / "a.parquet"), test=plain_of(tmp_path)).names is None


def test_names_of_columns_that_are_no_text_are_said_in_one_line(tmp_path):
    file = write(tmp_path / "a.parquet", [0, 1], names=("im\nage", "label"))
    with pytest.raises(
        InputError, match=r"^.*a\.parquet: expected a column 'image', found im age, l"
    ):
        parquet(train=file)
    odd = (tmp_path / "a.parquet").read_bytes().replace(b"label", b"la\xffel")
    (tmp_path / "a.parquet").write_bytes(odd)
    with pytest.raises(InputError, match=r"a\.parquet: expected a whole Parquet file"):
        parquet(train=file, image="im\nage")
