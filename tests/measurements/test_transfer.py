from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from blindspots.attacks import gaussian, lbfgs
from blindspots.attacks.table import schema
from blindspots.files import tables
from blindspots.files.images import Images
from blindspots.interface import Box, InputError
from blindspots.jobs.attacking import attack_all
from blindspots.measurements import exhibits, transfer
from blindspots.measurements.transfer import TRANSFER
from blindspots.threat.outcomes import NO_CLASS

BOX = Box(0.0, 1.0)


def shown(exhibit, model, name="A", chunk=1000):
    victim = transfer.Victim(name, 4, model)
    return pa.concat_tables(transfer.exposed(exhibit, victim, experiment="e", seed=3, chunk=chunk))


def run(model, data, seed, chunk):
    return attack_all(
        lbfgs, model, data, others=data, target="random", seed=seed, chunk=chunk, settings={}
    )


@pytest.fixture
def data(digits):
    return Images(digits[0][:30], digits[1][:30], np.arange(100, 130), "train", 10, BOX)


@pytest.fixture
def table(tmp_path, data, sigmoid_net):
    """The table of an attack on the first 20 images."""
    columns = run(sigmoid_net, data.first(20), seed=0, chunk=8)
    columns |= {"net": "A", "seed": 0, "attack": "lbfgs", "dataset": "D", "file": "train"}
    built = tables.build(columns, schema((1, 8, 8)))
    tables.write(tmp_path / "attack.parquet", built, {})
    return tmp_path / "attack.parquet"


def test_amplified_images_have_the_distortion_asked_for_before_clipping():
    generator = torch.Generator().manual_seed(0)
    originals = torch.rand(5, 1, 4, 4, generator=generator, dtype=torch.float64)
    images = originals + 0.01 * torch.randn(5, 1, 4, 4, generator=generator, dtype=torch.float64)
    free = exhibits.amplify(originals, images, 0.1, BOX, clip=False)
    rms = (free - originals).flatten(1).square().mean(dim=1).sqrt()
    assert torch.allclose(rms, torch.full((5,), 0.1, dtype=torch.float64))
    direction = torch.nn.functional.cosine_similarity(
        (free - originals).flatten(1), (images - originals).flatten(1)
    )
    assert torch.allclose(direction, torch.ones(5, dtype=torch.float64))
    clipped = exhibits.amplify(originals, images, 0.1, BOX, clip=True)
    assert torch.equal(clipped, free.clamp(0, 1))


def test_an_image_without_a_perturbation_is_not_amplified():
    images = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(exhibits.amplify(images, images, 0.1, BOX, clip=True), images)


def test_the_source_is_wrong_on_every_image_made_for_it(table, data, sigmoid_net):
    plain, amplified = exhibits.attacked(table, data.first(20), [0.3], clip=True)
    rows = shown(plain, sigmoid_net)
    assert rows.schema.equals(TRANSFER)
    assert (rows["prediction"].to_numpy() != rows["label"].to_numpy()).all()
    assert rows["index"].to_pylist() == list(range(100, 120))
    assert rows["amplified_to"].null_count == 20
    assert (set(rows["seed"].to_pylist()), set(rows["victim_seed"].to_pylist())) == ({3}, {4})
    farther = shown(amplified, sigmoid_net)
    assert set(farther["amplified_to"].to_pylist()) == {0.3}
    assert farther["distortion"].to_numpy().mean() > rows["distortion"].to_numpy().mean()


def test_a_table_of_other_images_is_refused(table, data):
    with pytest.raises(InputError, match="expected the split's images in the split's order"):
        list(exhibits.attacked(table, replace(data, rows=data.rows + 1).first(20), [], clip=True))


def test_noise_is_a_control_without_a_source(data, sigmoid_net):
    noise = exhibits.control("gaussian-0.2", "gaussian", {"std": 0.2, "clip": False}, data, seed=0)
    rows = shown(noise, sigmoid_net)
    assert rows["source"].null_count == 30
    assert rows["distortion"].to_numpy().mean() == pytest.approx(0.2, rel=0.05)
    fewer = exhibits.control(
        "gaussian-0.2", "gaussian", {"std": 0.2, "clip": False}, data.first(10), seed=0
    )
    assert torch.equal(noise.images[:10], fewer.images)


def test_a_rejected_answer_is_minus_one_wherever_answers_are_kept(data, sigmoid_net):
    class Rejecting(torch.nn.Module):
        def forward(self, x):
            logits = sigmoid_net(x)
            return torch.cat([logits, logits.amax(dim=1, keepdim=True) + 1], dim=1)

    columns = attack_all(
        gaussian, Rejecting(), data, others=data, target="any", seed=0, chunk=8,
        settings={"std": 0.1},
    )  # fmt: skip
    assert set(columns["prediction"]) == set(columns["attacked_prediction"]) == {NO_CLASS}
    noise = exhibits.control("noise", "gaussian", {"std": 0.1}, data, seed=0)
    plain, rejecting = shown(noise, sigmoid_net), shown(noise, Rejecting())
    assert set(rejecting["prediction"].to_pylist()) == {NO_CLASS}
    assert rejecting["margin"].to_pylist() == plain["margin"].to_pylist()  # against the classes


def test_pictures_are_the_first_images_beside_their_originals(table, data):
    (plain,) = exhibits.attacked(table, data.first(15), [], clip=True)
    shown = transfer.pictures(plain, seed=0)
    assert np.array_equal(tables.images(shown, "original"), data.images[:15].numpy())


def test_a_victim_that_does_not_classify_is_named(data):
    noise = exhibits.control("noise", "gaussian", {}, data, seed=0)
    with pytest.raises(InputError, match="nets that classify, found AE"):
        shown(noise, torch.nn.Identity(), name="AE")


def test_the_chunk_changes_no_target_and_no_noise(sigmoid_net, data):
    targets = [run(sigmoid_net, data, seed=3, chunk=chunk)["target"] for chunk in (4, 30)]
    assert np.array_equal(*targets)
