"""Masks of attacks: their files, and an attack that leaves its mask."""

import numpy as np
import pytest
import torch

from blindspots.families import budget
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, InputError
from blindspots.jobs.attack import read_mask
from blindspots.jobs.attacking import attack_all

IMAGES = torch.full((3, 1, 8, 8), 0.5)
CORNER = np.zeros((1, 8, 8), bool)
CORNER[:, :4, :4] = True


def test_a_mask_is_read_as_it_was_saved(tmp_path):
    np.save(tmp_path / "mask.npy", CORNER)
    found = read_mask(tmp_path / "mask.npy", tuple(IMAGES.shape[1:]))
    assert found.numpy().tolist() == CORNER.tolist()


@pytest.mark.parametrize(
    ("saved", "found"),
    [
        (CORNER[0], r"bool of shape \(8, 8\)"),
        (CORNER[:, :7], r"bool of shape \(1, 7, 8\)"),
        (CORNER.astype(float), r"float64 of shape \(1, 8, 8\)"),
    ],
)
def test_a_mask_of_another_shape_or_type_is_named_with_its_file(tmp_path, saved, found):
    np.save(tmp_path / "mask.npy", saved)
    expected = rf"mask\.npy: expected a bool mask of an image's shape \(1, 8, 8\), found {found}"
    with pytest.raises(InputError, match=expected):
        read_mask(tmp_path / "mask.npy", tuple(IMAGES.shape[1:]))


def test_several_masks_or_none_in_the_file_are_refused(tmp_path):
    np.savez(tmp_path / "masks.npz", a=CORNER, b=CORNER)
    with pytest.raises(InputError, match=r"expected a bool mask .*, found several"):
        read_mask(tmp_path / "masks.npz", tuple(IMAGES.shape[1:]))
    (tmp_path / "text.npy").write_text("1 0 1")
    with pytest.raises(InputError, match=r"text\.npy: expected a mask, an \.npy file, found none"):
        read_mask(tmp_path / "text.npy", tuple(IMAGES.shape[1:]))


def test_an_attack_that_changes_a_feature_outside_the_mask_is_refused_with_its_image(softmax_net):
    @budget("linf")
    def own(model, images, labels, targets, *, eps, mask):
        moved = images + eps * mask
        moved[2:, 0, 7, 7] += eps  # beyond the corner
        return moved

    def attacked(n):
        labels = torch.zeros(n, dtype=torch.int64)
        data = Images(IMAGES[:n], labels, np.arange(n), "test", 10, UNIT_BOX)
        return attack_all(
            own, softmax_net, data, others=data, target="any", seed=0, chunk=n,
            settings={"eps": 0.25}, mask=torch.from_numpy(CORNER),
        )  # fmt: skip

    with pytest.raises(InputError, match=r"own: images\[2\]: expected features outside the mask"):
        attacked(3)
    kept = attacked(2)
    assert (kept["image"] - 0.5 == 0.25 * CORNER).all()
