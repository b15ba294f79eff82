"""Examples agree with the files: pictures, distortions, and every victim's answers."""

import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from blindspots.files import tables
from blindspots.report import examples
from blindspots.report.pictures import png
from tests.pages import HOSTILE, NETS, checked, files, rendered


@pytest.fixture
def folder(tmp_path):
    files(tmp_path, [])
    return tmp_path


def shown(folder):
    return examples.examples(
        checked(),
        {"cross-model": folder / "pictures.parquet"},
        {"cross-model": folder / "transfer.parquet"},
        [folder / "clean.parquet"],
    )["cross-model"]


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))) / 255


def test_each_source_and_control_of_the_first_seed_has_its_first_dozen(folder):
    groups = shown(folder)
    assert [group.label for group in groups] == [
        "FC10(1e-4), by lbfgs", f"{HOSTILE}, by lbfgs",
        f"{HOSTILE}, by lbfgs, amplified to 0.2", "control: gaussian-0.1",
    ]  # fmt: skip
    for group in groups:
        assert [example.place for example in group.examples] == list(range(100, 112))


def test_pictures_are_the_files_to_half_a_grey_level(folder):
    table = tables.read(folder / "pictures.parquet").slice(14, 14)  # the second source's
    originals, images = tables.images(table, "original"), tables.images(table)
    whole = tables.images(tables.read(folder / "pictures.parquet"), "original")
    low, high = whole.min(), whole.max()
    for example, original, image in zip(shown(folder)[1].examples, originals, images, strict=False):
        for uri, expected in ((example.original, original), (example.perturbed, image)):
            scaled = np.clip((expected[0] - low) / (high - low), 0, 1)
            assert np.abs(pixels(uri) - scaled).max() <= 0.5 / 255 + 1e-6
        change = (image - original)[0].astype(float)
        assert example.distortion == pytest.approx(np.sqrt(np.square(change).mean()))
        assert example.factor == pytest.approx((high - low) / 2 / np.abs(change).max())
        drawn = pixels(example.perturbation)
        assert {drawn.min(), drawn.max()} & {0, 1}  # the largest change is black or white
        grey = 0.5 + example.factor * change / (high - low)
        assert np.abs(drawn - grey).max() <= 0.5 / 255 + 1e-6


def test_answers_and_margins_are_the_files_of_every_victim(folder):
    transfer = tables.read(folder / "transfer.parquet").to_pandas()
    clean = tables.read(folder / "clean.parquet").to_pandas()
    example = shown(folder)[2].examples[5]
    rows = transfer[
        (transfer["source"] == NETS[1]) & (transfer["amplified_to"] == 0.2)
        & (transfer["seed"] == 0) & (transfer["index"] == 105)
    ]  # fmt: skip
    assert [answer.victim for answer in example.answers] == ["FC10(1e-4)", HOSTILE]
    for answer, row in zip(example.answers, rows.to_dict("records"), strict=True):
        assert answer.after[1:] == (row["prediction"], row["margin"])
        assert answer.after.outcome == row["outcome"]
        before = clean[(clean["net"] == row["victim"]) & (clean["index"] == 105)].iloc[0]
        assert answer.before[1:] == (before["prediction"], before["margin"])


def test_answers_are_of_the_first_seeds_images_to_the_first_seeds_victims(folder):
    before = shown(folder)
    transfer = tables.read(folder / "transfer.parquet")
    rows = transfer.to_pylist()  # and, as with across_seeds, each seed's images to all victims
    rows += [row | {"victim_seed": 3 - row["victim_seed"], "prediction": 11} for row in rows]
    tables.write(
        folder / "transfer.parquet", tables.pa.Table.from_pylist(rows, transfer.schema), {}
    )
    assert shown(folder) == before


def test_large_images_are_fewer_but_never_none(folder, monkeypatch):
    monkeypatch.setattr(examples, "BYTES", 3 * 64 * 4 * 5 + 1)
    assert {len(group.examples) for group in shown(folder)} == {5}
    monkeypatch.setattr(examples, "BYTES", 3 * 64 * 2)  # two of four origins
    assert [len(group.examples) for group in shown(folder)] == [1, 1]
    monkeypatch.setattr(examples, "BYTES", 1)
    assert [len(group.examples) for group in shown(folder)] == [1]


def test_three_channels_are_colours_and_others_are_grey():
    colours = np.stack([np.full((2, 4), level) for level in (0.0, 0.5, 1.0)])
    assert pixels(png(colours, 0, 1)).shape == (2, 4, 3)
    assert pixels(png(colours, 0, 1))[0, 0].tolist() == [0, 128 / 255, 1]
    assert pixels(png(colours[:2], 0, 1)).tolist() == [[64 / 255] * 4] * 2
    assert pixels(png(colours[:1], 0, 0)).shape == (2, 4)


def test_an_image_that_nothing_was_added_to_is_magnified_by_one(tmp_path):
    files(tmp_path, [])
    table = tables.read(tmp_path / "pictures.parquet")
    place = table.column_names.index("image")
    same = table.set_column(place, table.schema.field("image"), table["original"])
    tables.write(tmp_path / "pictures.parquet", same, {})
    example = shown(tmp_path)[0].examples[0]
    assert (example.factor, example.distortion) == (1, 0)
    assert set(np.unique(pixels(example.perturbation))) <= {127 / 255, 128 / 255}


def test_the_same_images_before_the_same_victims_are_shown_once(folder):
    settings = checked()
    first = settings["experiments"]["cross-model"]
    fewer = first | {"victims": list(NETS[:1])}
    settings["experiments"] |= {"larger": first | {"n": 1000}, "unclipped": first | {"clip": False},
                                "fewer": fewer}  # fmt: skip
    found = examples.examples(
        settings,
        dict.fromkeys(settings["experiments"], folder / "pictures.parquet"),
        dict.fromkeys(settings["experiments"], folder / "transfer.parquet"),
        [folder / "clean.parquet"],
    )
    groups = {name: [group.label for group in of] for name, of in found.items()}
    assert list(groups) == ["cross-model", "unclipped", "fewer"]
    assert groups["unclipped"] == [f"{HOSTILE}, by lbfgs, amplified to 0.2"]
    assert len(groups["fewer"]) == 4


def test_a_page_has_so_many_examples_and_experiments_beyond_have_none(folder, monkeypatch):
    monkeypatch.setattr(examples, "EXAMPLES", 4 * 12 + 3)
    settings = checked()
    first = settings["experiments"]["cross-model"]
    settings["experiments"] |= {"b": first | {"part": "P1"}, "c": first | {"part": "P2"}}
    found = examples.examples(
        settings,
        dict.fromkeys(settings["experiments"], folder / "pictures.parquet"),
        dict.fromkeys(settings["experiments"], folder / "transfer.parquet"),
        [folder / "clean.parquet"],
    )
    sizes = {name: {len(group.examples) for group in of} for name, of in found.items()}
    assert sizes == {"cross-model": {12}, "b": {1}}


def test_each_attack_radius_and_length_of_a_source_is_an_origin_of_images():
    settings = checked()
    settings["attacks"] |= {"near": {"eps": [0.1, 0.2, 0.3]}, "one": {"eps": 0.1}}
    first = settings["experiments"]["cross-model"]  # two sources, a control
    assert examples.origins(settings) == 2 + 1
    settings["experiments"]["more"] = first | {
        "attacks": ["lbfgs", "near", "one"], "amplify": [0.1, 0.2], "controls": [],
    }  # fmt: skip
    assert examples.origins(settings) == 2 + 1 + 2 * (1 + 3 + 1) * 3


def test_classes_are_called_by_their_names_and_those_without_by_their_numbers(tmp_path):
    names = [HOSTILE, *(f"class {chr(97 + number)}" for number in range(1, 9))]  # none for 9
    made, plain = rendered(tmp_path / "named", classes=names), rendered(tmp_path / "plain")
    assert re.findall(r"original: a (.*?)<", plain)[:10] == [str(number) for number in range(10)]
    assert re.findall(r"original: a (.*?)<", made)[1:10] == [*names[1:], "9"]
    assert HOSTILE not in made
    answers = re.findall(r'data-answer="(.*?)"', plain)
    assert set(answers) == {str(number) for number in range(10)}
    expected = [(*names, "9")[int(answer)] for answer in answers]
    found = [html.unescape(answer) for answer in re.findall(r'data-answer="(.*?)"', made)]
    assert found == expected
