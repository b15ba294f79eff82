"""Amplified images: each by a factor of its own, or all of a source by one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from blindspots.analyses.attacked import success_columns, tried
from blindspots.attacks import lbfgs
from blindspots.attacks.table import schema
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import Box
from blindspots.jobs.attacking import attack_all
from blindspots.measurements import exhibits
from blindspots.measurements.exhibits import Exhibit

LENGTHS = [0.1, 0.3, 0.5, 0.0, 0.2]
COUNTED = [0, 1]
"""Images that the source gets right and its attack moved: the third was wrong, the fourth is as it
was since the attack failed, and the fifth is one on which an attack with a radius failed."""


@pytest.fixture
def exhibit():
    """Images at 0.5 whose perturbations are the same for all pixels of an image."""
    images = torch.full((5, 1, 2, 2), 0.5)
    data = Images(
        images, torch.zeros(5, dtype=torch.int64), np.arange(5), "test", 10, Box(0.0, 1.0)
    )
    moved = images + torch.tensor(LENGTHS).view(-1, 1, 1, 1)
    success = np.array([True, True, True, False, False])
    before = np.array(["RIGHT", "RIGHT", "WRONG", "RIGHT", "RIGHT"], object)
    return Exhibit("A", "steps", None, None, data, moved, success, np.array(LENGTHS), before)


def rms(exhibit):
    change = (exhibit.images - exhibit.data.images).double().flatten(1)
    return change.square().mean(dim=1).sqrt().numpy()


def test_by_image_every_perturbation_gets_the_distortion(exhibit):
    (made,) = exhibits.amplified(exhibit, [0.2], clip=False)
    assert np.allclose(rms(made), [0.2, 0.2, 0.2, 0, 0.2])
    assert made.amplified_to == 0.2


def test_by_all_one_factor_makes_the_distortion_the_pooled_one(exhibit):
    pooled = np.sqrt((0.1**2 + 0.3**2) / 2)
    assert exhibit.pooled == pytest.approx(pooled)
    for made, wanted in zip(
        exhibits.amplified(exhibit, [0.2, 0.4], clip=False, by="all"), (0.2, 0.4), strict=True
    ):
        assert np.allclose(rms(made), np.array(LENGTHS) * wanted / pooled)
        assert np.allclose(made.distortion, rms(made))
        assert made.pooled == pytest.approx(wanted)
        assert made.amplified_to == wanted
    (clipped,) = exhibits.amplified(exhibit, [0.4], clip=True, by="all")
    assert np.allclose(rms(clipped), np.minimum(np.array(LENGTHS) * 0.4 / pooled, 0.5))


def test_by_all_a_part_of_the_images_has_the_factor_of_all(exhibit):
    (made,) = exhibits.amplified(exhibit, [0.2], clip=False, by="all")
    for part, images in zip(made.chunks(2), made.images.split(2), strict=True):
        assert torch.equal(part.images, images)


def test_by_all_images_without_a_pooled_distortion_stay_as_they_are(exhibit):
    failed = replace(exhibit, success=np.zeros(5, bool))
    assert failed.pooled is None
    (made,) = exhibits.amplified(failed, [0.2], clip=False, by="all")
    assert torch.equal(made.images, exhibit.images)


@pytest.mark.parametrize("target", ["any", "random"])
def test_the_pooled_distortion_is_the_one_of_the_tables(tmp_path, digits, sigmoid_net, target):
    labels = digits[1][:30].clone()
    labels[:4] = (labels[:4] + 1) % 10  # wrong unaltered
    data = Images(digits[0][:30], labels, np.arange(30), "train", 10, Box(0.0, 1.0))
    columns = attack_all(
        lbfgs, sigmoid_net, data, others=data, target=target, seed=0, chunk=30, settings={}
    )
    columns |= {"net": "A", "seed": 0, "attack": "lbfgs", "dataset": "D", "file": "train"}
    tables.write(tmp_path / "attack.parquet", tables.build(columns, schema((1, 8, 8))), {})
    (exhibit,) = exhibits.attacked(tmp_path / "attack.parquet", data, [], clip=True)
    rows = tables.read(tmp_path / "attack.parquet", [*columns.keys() - {"image"}]).to_pandas()
    groups = pd.MultiIndex.from_tuples([("A", 0)], names=["net", "seed"])
    *_, pooled = success_columns(tried(rows), groups)
    assert pooled["column"].tolist() == ["pooled distortion"]
    assert 0 < pooled["n"].item() < 30
    assert exhibit.pooled == pytest.approx(pooled["value"].item(), rel=1e-12)
