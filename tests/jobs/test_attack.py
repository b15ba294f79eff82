"""An attack's job: its masks, and the warning about an attack without any success."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch

from blindspots.attacks import table
from blindspots.families import budget
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import UNIT_BOX, InputError
from blindspots.jobs import attack as attacks
from blindspots.jobs.attack import read_mask
from blindspots.jobs.attacking import attack_all
from tests.evidence import Named

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


def rows(*success):
    """Return a table of attacks with these successes."""
    schema = table.schema(IMAGES.shape[1:])
    kinds = {pa.string(): "a", pa.bool_(): True}
    columns = {field.name: kinds.get(field.type, 0) for field in schema}
    words = dict.fromkeys(("outcome", "attacked_outcome", "rounded_outcome"), "RIGHT")
    of_each = {"success": np.array(success), "image": IMAGES.numpy()[: len(success)]}
    return tables.build(columns | words | of_each, schema)


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("success", [(False, False), (False, True)])
def test_a_table_without_a_success_is_warned_of_once_however_many_jobs_made_it(
    tmp_path, monkeypatch, capfd, sharded, success
):
    def run(name, shards=(), **wildcards):
        job = SimpleNamespace(
            input=Named(images=tmp_path / "images", shards=shards),
            output=[tmp_path / name],
            wildcards=Named(wildcards),
            params={},
        )
        attacks.attack(job)
        return capfd.readouterr().err

    tables.write(tmp_path / "images", rows(True), {})
    monkeypatch.setattr(attacks, "provenance", lambda job: {})
    monkeypatch.setattr(attacks, "_computed", lambda job: iter([rows(*success)]))
    shards = []
    if sharded:
        for first in range(2):
            shards.append(tmp_path / f"{first}")
            monkeypatch.setattr(attacks, "_computed", lambda job, at=first: [rows(success[at])])
            assert run(f"{first}", first=str(first), end=str(first + 1)) == ""
    said = run("table", shards)
    assert ("no success on any of its images" in said) == (not any(success))
    assert tables.read(tmp_path / "table")["success"].to_pylist() == [*success]
